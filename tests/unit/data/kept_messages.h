#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lore/core/messages.h"

/// Messages as a list, for tests.
class KeptMessages : public lore::Messages {
 public:
  void warning(std::string_view text) override { texts.emplace_back(text); }
  void info(std::string_view text) override { texts.emplace_back(text); }

  std::string all() const {
    std::string all;
    for (const std::string& text : texts) {
      all += text + "\n";
    }
    return all;
  }

  std::vector<std::string> texts;
};
