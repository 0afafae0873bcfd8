#pragma once

#include <span>
#include <string>
#include <vector>

#include "lore/data/data_report.h"

namespace lore {

/// The report in at most 80 columns (more only where counts need them): counts and lengths of each source, a
/// histogram of lengths, batches and packing.
std::string report_text(const DataReport& report);

/// The three facts about batches, as lines of text: an epoch, packing, padding.
std::vector<std::string> batch_lines(const DataReport& report);

/// "100 - 149", or "150 - 2,048" for the last.
std::string bin_name(const LengthBin& bin);

/// A bar `eighths` eighths of a column long.
std::string block_bar(std::size_t eighths);

/// One block character for each count, the tallest for the largest.
std::string sparkline(std::span<const std::int64_t> counts);

}  // namespace lore
