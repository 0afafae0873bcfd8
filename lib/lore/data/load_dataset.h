#pragma once

#include <span>

#include "lore/core/messages.h"
#include "lore/data/cache_folder.h"
#include "lore/data/dataset.h"
#include "lore/data/example_builder.h"
#include "lore/data/tokenize_source.h"
#include "lore/recipe/specs.h"

namespace lore {

/// The examples of all sources: from their caches, which are made where there are none. Neither the result
/// nor what is said depends on the number of threads or on whether a cache was there. Rows that cannot be
/// used are counted, not more: see report_bad_rows.
///
/// A cache is found by the content of the files, their names and order, the settings of the source, the
/// tokenizer, the chat template, `settings`, and the version of the code that makes tokens of rows.
/// Throws: Error kInput for a file that cannot be read, or changes while it is; kUsage; kResources.
Dataset load_dataset(std::span<const SourceSpec> sources, const ExampleBuilder& builder,
                     const RowSettings& settings, const CacheFolder& cache, int threads, Messages& messages);

}  // namespace lore
