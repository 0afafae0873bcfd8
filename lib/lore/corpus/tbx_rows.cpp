#include "lore/corpus/tbx_rows.h"

#include <expat.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lore/core/error.h"
#include "lore/core/printable.h"
#include "lore/corpus/line_reader.h"
#include "lore/corpus/tbx_entry.h"

namespace lore {
namespace {

constexpr std::size_t kDeepest = 64;
/// Read at once, so that few rows wait.
constexpr std::size_t kPartSize = 1 << 14;
/// Of one tag or comment, which the parser keeps until it ends.
constexpr std::int64_t kLongestTag = 1 << 20;
/// About what a term or a language takes beside its text.
constexpr std::size_t kElementSize = 64;

/// Past a namespace's prefix: the elements of DCT have one of their module's.
std::string_view local_name(std::string_view name) {
  const std::size_t colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::string_view attribute(const char** attributes, std::string_view name) {
  for (; *attributes != nullptr; attributes += 2) {
    if (attributes[0] == name) {
      return attributes[1];
    }
  }
  return {};
}

/// True for the declarations of encodings that text comes in decoded from.
bool is_known_encoding(std::string_view name) {
  constexpr std::array<std::string_view, 8> kKnown = {"utf-8",    "utf-16", "utf-16le", "utf-16be",
                                                      "us-ascii", "gbk",    "gb2312",   "gb18030"};
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::ranges::find(kKnown, lower) != kKnown.end();
}

class TbxRows final : public RowReader {
 public:
  explicit TbxRows(std::unique_ptr<TextCursor> text)
      // The text is UTF-8 by now, whatever the XML declares.
      : text_(std::move(text)), parser_(XML_ParserCreate("UTF-8")) {
    if (parser_ == nullptr) {
      throw Error(ErrorKind::kResources, text_->shown(), "no memory to read XML");
    }
    XML_SetUserData(parser_.get(), this);
    XML_SetXmlDeclHandler(parser_.get(), [](void* self, const char*, const char* encoding, int) {
      static_cast<TbxRows*>(self)->declare(encoding == nullptr ? "" : encoding);
    });
    XML_SetEntityDeclHandler(parser_.get(), [](void* self, const char*, int, const char*, int, const char*,
                                               const char*, const char*, const char*) {
      static_cast<TbxRows*>(self)->stop("it declares entities, which a glossary needs none of: remove them");
    });
    XML_SetSkippedEntityHandler(parser_.get(), [](void* self, const char* name, int) {
      static_cast<TbxRows*>(self)->stop(fmt::format("the entity {} is not declared", in_quotes(name)));
    });
    XML_SetElementHandler(
        parser_.get(),
        [](void* self, const char* name, const char** attributes) {
          static_cast<TbxRows*>(self)->begin(local_name(name), attributes);
        },
        [](void* self, const char*) { static_cast<TbxRows*>(self)->end(); });
    XML_SetCharacterDataHandler(parser_.get(), [](void* self, const char* text_part, int length) {
      static_cast<TbxRows*>(self)->characters({text_part, static_cast<std::size_t>(length)});
    });
  }

  std::optional<ReadRow> next() override {
    while (rows_.empty() && !is_finished_) {
      parse_part();
    }
    if (!rows_.empty()) {
      std::optional<ReadRow> row = std::move(rows_.front());
      rows_.pop_front();
      return row;
    }
    if (!failure_.empty()) {
      throw Error(ErrorKind::kInput, text_->at(failure_line_), failure_);
    }
    return {};
  }

 private:
  struct FreeParser {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
  };

  std::int64_t line() const { return static_cast<std::int64_t>(XML_GetCurrentLineNumber(parser_.get())); }

  void parse_part() {
    const std::string_view part = text_->rest().substr(0, kPartSize);
    is_finished_ = part.empty();
    const auto status =
        XML_Parse(parser_.get(), part.data(), static_cast<int>(part.size()), is_finished_ ? 1 : 0);
    if (status != XML_STATUS_OK && failure_.empty()) {
      failure_ =
          fmt::format("the XML is not well-formed: {}", XML_ErrorString(XML_GetErrorCode(parser_.get())));
      failure_line_ = line();
    }
    text_->take(part.size());
    given_ += static_cast<std::int64_t>(part.size());
    if (failure_.empty() && given_ - XML_GetCurrentByteIndex(parser_.get()) > kLongestTag) {
      stop(fmt::format("a tag or comment is longer than {} MiB", kLongestTag >> 20));
    }
    is_finished_ = is_finished_ || !failure_.empty();
  }

  /// Ends the reading; rows that are complete are still given.
  void stop(std::string why) {
    if (failure_.empty()) {
      failure_ = std::move(why);
      failure_line_ = line();
      XML_StopParser(parser_.get(), XML_FALSE);
    }
  }

  void declare(std::string_view encoding) {
    if (!encoding.empty() && !is_known_encoding(encoding)) {
      stop(fmt::format("it is declared to be {}, which is not read: save it as UTF-8", in_quotes(encoding)));
    }
  }

  void begin(std::string_view name, const char** attributes) {
    // The parser may still report what it holds after it was stopped.
    if (!failure_.empty()) {
      return;
    }
    if (levels_ == 0 && name != "martif" && name != "tbx") {
      stop(fmt::format("the XML is no TBX: it begins with {}, not with \"martif\" or \"tbx\"",
                       in_quotes(name)));
      return;
    }
    if (++levels_ > kDeepest) {
      stop(fmt::format("nested deeper than {} levels", kDeepest));
      return;
    }
    if (name == "termEntry" || name == "conceptEntry") {
      entry_.emplace(std::string(attribute(attributes, "id")));
      entry_line_ = line();
      entry_size_ = 0;
      problem_.clear();
    } else if (entry_ && captured_at_ == 0) {
      begin_inside(name, attributes);
    }
    ends_.emplace_back(name);
  }

  void begin_inside(std::string_view name, const char** attributes) {
    if (!has_room(kElementSize)) {
      return;
    }
    if (name == "langSet" || name == "langSec") {
      entry_->begin_language(std::string(attribute(attributes, "xml:lang")));
    } else if (name == "tig" || name == "ntig" || name == "termSec") {
      attempt([&] { entry_->begin_term(); });
    } else {
      const bool has_type = name == "descrip" || name == "termNote" || name == "admin";
      category_ = has_type ? attribute(attributes, "type") : name;
      if (category_ == "term" || category_ == "definition" || category_ == "subjectField" ||
          category_ == "administrativeStatus" || category_ == "normativeAuthorization" ||
          category_ == "source") {
        captured_at_ = levels_;
        captured_.clear();
      }
    }
  }

  void end() {
    if (!failure_.empty()) {
      return;
    }
    const std::string name = std::move(ends_.back());
    ends_.pop_back();
    if (captured_at_ == levels_) {
      captured_at_ = 0;
      entry_->add(category_, captured_);
    } else if (entry_ && (name == "langSet" || name == "langSec")) {
      entry_->begin_language("");
    } else if (entry_ && (name == "termEntry" || name == "conceptEntry")) {
      end_entry();
    }
    --levels_;
  }

  void end_entry() {
    nlohmann::ordered_json value;
    attempt([&] { value = entry_->row(); });
    std::string source = text_->at(entry_line_);
    if (problem_.empty()) {
      rows_.push_back(Row{std::move(value), std::move(source)});
    } else {
      rows_.push_back(BadRow{std::move(source), problem_, {}});
    }
    entry_.reset();
  }

  void characters(std::string_view text) {
    if (captured_at_ == 0) {
      return;
    }
    if (has_room(text.size())) {
      captured_ += text;
    }
  }

  /// Counts what is kept of an entry, so that memory stays bounded.
  bool has_room(std::size_t size) {
    entry_size_ += size;
    if (entry_size_ > kLongestRow && problem_.empty()) {
      problem_ = fmt::format("the entry is longer than {} MiB", kLongestRow >> 20);
    }
    return entry_size_ <= kLongestRow;
  }

  /// The entry's first problem is kept; an exception may not pass through the parser.
  template <class Work>
  void attempt(const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      if (problem_.empty()) {
        problem_ = error.message();
      }
    }
  }

  std::unique_ptr<TextCursor> text_;
  std::unique_ptr<std::remove_pointer_t<XML_Parser>, FreeParser> parser_;
  std::deque<ReadRow> rows_;
  std::int64_t given_ = 0;  // bytes given to the parser
  bool is_finished_ = false;
  std::string failure_;  // why reading stopped
  std::int64_t failure_line_ = 0;

  std::vector<std::string> ends_;  // names of the open elements
  std::size_t levels_ = 0;
  std::optional<TbxEntry> entry_;
  std::int64_t entry_line_ = 0;
  std::size_t entry_size_ = 0;
  std::string problem_;  // of the entry
  std::string category_;
  std::size_t captured_at_ = 0;  // level of the element whose text is gathered; 0 for none
  std::string captured_;
};

}  // namespace

std::unique_ptr<RowReader> open_tbx(std::unique_ptr<TextCursor> text) {
  return std::make_unique<TbxRows>(std::move(text));
}

}  // namespace lore
