#pragma once

#include <string>
#include <string_view>

#include "lore/core/messages.h"

/// What the program prints: results on stdout, messages on stderr.
class Console final : public lore::Messages {
 public:
  /// With `json`, stdout carries JSON alone.
  explicit Console(bool json = false);

  void warning(std::string_view text) override;
  void info(std::string_view text) override;
  void error(std::string_view text);
  /// A line on stdout.
  void result(std::string_view text);
  /// Text on stdout that the next one continues.
  void stream(std::string_view text);
  /// A line on stdout that carries its own terminal colours.
  void styled_result(std::string_view text);
  /// Replaces the status line at the bottom of a terminal; nothing elsewhere.
  void status(std::string_view text);
  void clear_status();

  bool is_terminal() const { return terminal_; }
  bool json() const { return json_; }

 private:
  bool json_;
  bool terminal_;
  bool has_status_ = false;
};

/// `text` with control characters made visible, so that names and data cannot steer the terminal.
std::string printable(std::string_view text);

/// True where stdout shows colours and its reader has not asked for none (https://no-color.org).
bool wants_colour();
