#pragma once
/// Folders of image files.

#include <filesystem>

#include "slicecheck/measures/idx_images.h"

namespace slicecheck {

/// Reads every file of the folder (not of folders in it) whose name ends in .png, .jpg, .jpeg, .ppm, .pgm or .bmp, in capitals or not, sorted by name, byte by
/// byte. Other files are left alone. All images have one size.
///
/// Grey, eight bits: of a colour image the luma ⌊(77 R + 150 G + 29 B + 128) / 256⌋ of Rec. 601, whose weights add up to 256, so that grey stays grey. Three
/// planes of colour are not supported. Sixteen bits are cut to eight, and transparency is ignored.
///
/// @throws InputError, with the file: a folder that cannot be listed or has no images; a file that cannot be read or decoded (with the decoder's reason); an
/// image of another size than the first one (both sizes).
IdxImages read_image_folder(const std::filesystem::path& folder);

}  // namespace slicecheck
