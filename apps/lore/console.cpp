#include "console.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1_control = byte == 0xC2 && i + 1 < text.size() &&
                            static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                            static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
      result += fmt::format("\\x{:02x}", byte);
    } else if (c1_control) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++i]));
    } else {
      result += text[i];
    }
  }
  return result;
}

bool wants_colour() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0') &&
         (term == nullptr || std::string_view(term) != "dumb");
}

Console::Console(bool json) : json_(json), terminal_(isatty(STDERR_FILENO) == 1) {}

void Console::warning(std::string_view text) {
  clear_status();
  fmt::print(stderr, "warning: {}\n", printable(text));
}

void Console::info(std::string_view text) {
  clear_status();
  fmt::print(stderr, "{}\n", printable(text));
}

void Console::error(std::string_view text) {
  clear_status();
  fmt::print(stderr, "lore: error: {}\n", printable(text));
}

void Console::result(std::string_view text) {
  clear_status();
  fmt::print("{}\n", json_ ? std::string(text) : printable(text));
  std::fflush(stdout);
}

void Console::stream(std::string_view text) {
  clear_status();
  fmt::print("{}", printable(text));
  std::fflush(stdout);
}

void Console::styled_result(std::string_view text) {
  clear_status();
  fmt::print("{}\n", text);
}

void Console::status(std::string_view text) {
  if (terminal_) {
    fmt::print(stderr, "\r\033[K{}", printable(text));
    std::fflush(stderr);
    has_status_ = true;
  }
}

void Console::clear_status() {
  if (has_status_) {
    fmt::print(stderr, "\r\033[K");
    has_status_ = false;
  }
}
