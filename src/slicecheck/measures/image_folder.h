#pragma once
/// Folders of image files.

#include <filesystem>

#include "slicecheck/measures/idx_images.h"

namespace slicecheck {

/// How a folder of images is read.
struct ImageFolderSettings {
  bool colour = false;  ///< three planes instead of grey
  Index side = 0;       ///< the sides of the images, after a crop and a box filter; 0: as they are
  Index most = 0;       ///< only the first so many files by name; 0: all
};

/// Reads every file of the folder (not of folders in it) whose name ends in .png, .jpg, .jpeg, .ppm, .pgm or .bmp, in capitals or not, sorted by name, byte by
/// byte. Other files are left alone. A folder that has no images but a folder `img_align_celeba` is CelebA's, and that folder is read.
///
/// Grey, eight bits: of a colour image the luma ⌊(77 R + 150 G + 29 B + 128) / 256⌋ of Rec. 601, whose weights add up to 256, so that grey stays grey. Colour:
/// an image of h×w is 3h rows of w, the planes of red, green and blue one above the other; a grey image has three equal ones. Sixteen bits are cut to eight,
/// and transparency is ignored.
///
/// Without `side` all images have one size. With it they may differ: of each the square of its shorter side s that lies in the middle (odd rests go to the
/// right and the bottom) is averaged down to side×side, each new pixel over its own part of the square, with s/side old pixels a side and those that it shares
/// by their share, rounded to the nearest, halves up. At s = side every pixel stays as it is.
///
/// @throws InputError, with the file: a folder that cannot be listed or has no images; a file that cannot be read or decoded (with the decoder's reason); an
/// image of another size than the first one (both sizes); one that is smaller than `side`. Also for side or most below 0.
IdxImages read_image_folder(const std::filesystem::path& folder, const ImageFolderSettings& settings = {});

/// The grey images of three planes each: the luma above. @throws InputError unless the height is a multiple of 3.
IdxImages luma_of_planes(const IdxImages& planes);

}  // namespace slicecheck
