#include "console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace slicecheck::app {

namespace {

constexpr int kWidth = 30;

std::size_t shown_width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

ConsoleProgress::ConsoleProgress() : terminal_(::isatty(STDERR_FILENO) != 0) {}

ConsoleProgress::~ConsoleProgress() { clear(); }

void ConsoleProgress::clear() {
  const std::lock_guard lock(mutex_);
  if (drawn_) fmt::print(stderr, "\r\033[K");
  drawn_ = false;
}

void ConsoleProgress::update(std::string_view what, double fraction) {
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (last_what_ != what) {
    last_what_ = what;
    last_tenth_ = -1;
    began_ = now;
  }
  if (terminal_) {
    if (fraction < 1.0 && now - last_draw_ < std::chrono::milliseconds(100)) return;
    last_draw_ = now;
    draw(last_what_, fraction);
  } else if (const int tenth = static_cast<int>(fraction * 10.0); tenth > last_tenth_ && now - began_ > std::chrono::seconds(2)) {
    last_tenth_ = tenth;
    fmt::print(stderr, "{} {:3.0f} %\n", last_what_, 100.0 * fraction);
  }
}

void ConsoleProgress::draw(const std::string& what, double fraction) {
  const int filled = static_cast<int>(fraction * kWidth);
  std::string bar;
  for (int i = 0; i < kWidth; ++i) bar += i < filled ? "█" : "░";
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  std::string left;
  if (fraction > 0.02 && fraction < 1.0 && seconds > 2.0) left = fmt::format("  {:.0f} s left", seconds * (1.0 - fraction) / fraction);
  fmt::print(stderr, "\r\033[K{} {:3.0f} %  {}{}", bar, 100.0 * fraction, what, left);
  std::fflush(stderr);
  drawn_ = true;
}

std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], shown_width(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(i + 1 < row.size() ? widths[i] - shown_width(row[i]) + 2 : 0, ' ');
    out += line + "\n";
  }
  return out;
}

}  // namespace slicecheck::app
