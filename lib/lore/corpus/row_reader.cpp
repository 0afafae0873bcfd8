#include "lore/corpus/row_reader.h"

#include <filesystem>
#include <limits>
#include <string>
#include <utility>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/container.h"
#include "lore/corpus/source_files.h"
#include "lore/corpus/text_cursor.h"

namespace lore {
namespace {

/// The files of a source one after another, each open only while it is read.
class SourceRows final : public RowReader {
 public:
  explicit SourceRows(const SourceSpec& spec)
      : spec_(spec),
        files_(source_files(spec.path)),
        left_(spec.limit.value_or(std::numeric_limits<std::int64_t>::max())) {}

  std::optional<ReadRow> next() override {
    while (left_ > 0) {
      if (!file_ && !open_next()) {
        break;
      }
      if (std::optional<ReadRow> row = file_->next()) {
        --left_;
        has_rows_ = true;
        return row;
      }
      file_.reset();
    }
    if (left_ > 0 && !has_rows_) {
      throw Error(ErrorKind::kInput, printable(spec_.path, spec_.path.size()), "holds no rows");
    }
    return {};
  }

 private:
  bool open_next() {
    if (opened_ == files_.size()) {
      return false;
    }
    const std::string& path = files_[opened_++];
    file_ = open_container(TextCursor::open(path, spec_.encoding),
                           std::filesystem::path(path).filename().string(), spec_);
    return true;
  }

  SourceSpec spec_;
  std::vector<std::string> files_;
  std::size_t opened_ = 0;
  std::unique_ptr<RowReader> file_;
  std::int64_t left_;
  bool has_rows_ = false;
};

}  // namespace

std::unique_ptr<RowReader> open_rows(const SourceSpec& spec) { return std::make_unique<SourceRows>(spec); }

}  // namespace lore
