#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lore/data/data_report.h"
#include "lore/data/preview.h"

namespace lore {

/// What a page for a reviewer shows.
struct PreviewPage {
  struct Shown {
    std::string source;
    std::vector<TokenText> tokens;
  };

  std::string title;                                       ///< of the recipe
  std::vector<std::pair<std::string, std::string>> facts;  ///< name and value, shown below the title
  DataReport report;
  std::vector<Shown> examples;
};

/// One HTML file that needs nothing else: numbers, a histogram of each source, the examples token by token.
/// Whatever stands in names and data shows as text; the page's policy forbids it to load anything.
std::string preview_html(const PreviewPage& page);

}  // namespace lore
