#pragma once
/// Text from outside, as a sentence may hold it.

#include <string>
#include <string_view>

namespace slicecheck {

/// The text without what a terminal would obey and without what is no UTF-8: a question mark stands for every such byte. Of more than `most` bytes the first
/// are shown, and an ellipsis.
std::string shown_text(std::string_view text, std::size_t most = 40);

/// Well-formed UTF-8 without control characters.
bool is_plain_text(std::string_view text);

}  // namespace slicecheck
