/// Text from outside, as a sentence may hold it.

#include "slicecheck/core/shown_text.h"

#include <gtest/gtest.h>

namespace slicecheck::testing {
namespace {

TEST(ShownText, plain_text_stays) {
  for (const char* text : {"", "abc", "Lévy · SW₂² → 𝔼"}) {
    EXPECT_EQ(shown_text(text), text);
    EXPECT_TRUE(is_plain_text(text));
  }
}

TEST(ShownText, control_characters_and_bytes_that_are_no_utf_8_are_question_marks) {
  EXPECT_EQ(shown_text(std::string("a\0b\n\x1B[31m\x7F", 10)), "a?b??[31m?");
  for (const char* wrong :
       {"\xFF", "\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xC2\x9B", "\xE2\x82"}) {
    EXPECT_FALSE(is_plain_text(wrong)) << wrong;
    EXPECT_EQ(shown_text(wrong), std::string(std::string_view(wrong).size(), '?'));
  }
}

TEST(ShownText, long_text_is_cut_between_characters) {
  EXPECT_EQ(shown_text("abcdef", 6), "abcdef");
  EXPECT_EQ(shown_text("abcdefg", 6), "abcdef…");
  EXPECT_EQ(shown_text("aé", 2), "a…");
  EXPECT_EQ(shown_text("aé", 3), "aé");
}

}  // namespace
}  // namespace slicecheck::testing
