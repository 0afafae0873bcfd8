#include "lore/formats/json_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <type_traits>

#include "lore/core/error.h"
#include "lore/core/mapped_file.h"
#include "lore/core/printable.h"

namespace lore {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxBytes = 100'000'000;

/// Iterates over text and tells, at any time, how far the parser has read.
class TrackedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackedIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  TrackedIterator& operator++() {
    ++at_;
    *reached_ = at_;
    return *this;
  }
  TrackedIterator operator++(int) {
    TrackedIterator old = *this;
    ++*this;
    return old;
  }
  bool operator==(const TrackedIterator& other) const { return at_ == other.at_; }
  bool operator!=(const TrackedIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

/// Where the string literal that ends just before `end` begins.
std::size_t literal_begin(std::string_view text, std::size_t end) {
  std::size_t quote = end < 2 ? 0 : end - 1;
  while (quote > 0) {
    quote = text.rfind('"', quote - 1);
    if (quote == std::string_view::npos) {
      return 0;
    }
    std::size_t backslashes = 0;
    while (backslashes < quote && text[quote - 1 - backslashes] == '\\') {
      ++backslashes;
    }
    if (backslashes % 2 == 0) {
      return quote;
    }
  }
  return quote;
}

/// What the parser says, without its own prefix and place.
std::string reason(std::string_view what) {
  for (const std::string_view prefix : {"[json.exception", "parse error at line"}) {
    if (what.starts_with(prefix)) {
      const std::string_view stop = prefix.front() == '[' ? "] " : ": ";
      const std::size_t end = what.find(stop);
      what.remove_prefix(end == std::string_view::npos ? 0 : end + stop.size());
    }
  }
  return printable(what, 200);
}

/// Builds the document from the parser's events.
template <typename Json>
class Builder {
 public:
  Builder(std::string_view text, const std::string& subject) : text_(text), subject_(subject) {}

  Json parse() {
    const TrackedIterator first(text_.data(), &reached_);
    const TrackedIterator last(text_.data() + text_.size(), &reached_);
    Json::sax_parse(first, last, this);
    return std::move(root_);
  }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(std::int64_t value) { return add(value); }
  bool number_unsigned(std::uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(typename Json::binary_t&) { return false; }
  bool start_object(std::size_t) {
    open(Json::object());
    if constexpr (kOrdered) {
      keys_.emplace_back();
    }
    return true;
  }
  bool end_object() {
    if constexpr (kOrdered) {
      keys_.pop_back();
    }
    stack_.pop_back();
    return true;
  }
  bool start_array(std::size_t) {
    open(Json::array());
    return true;
  }
  bool end_array() {
    stack_.pop_back();
    return true;
  }

  bool key(std::string& name) {
    auto& object = stack_.back()->template get_ref<typename Json::object_t&>();
    if constexpr (kOrdered) {
      // ordered_map looks every key up one by one; the keys seen are kept beside it instead.
      if (!keys_.back().insert(name).second) {
        refuse_repetition(name);
      }
      using Entries = std::vector<std::pair<const std::string, Json>>;
      slot_ = &static_cast<Entries&>(object).emplace_back(std::move(name), nullptr).second;
    } else {
      const auto [entry, inserted] = object.emplace(name, nullptr);
      if (!inserted) {
        refuse_repetition(name);
      }
      slot_ = &entry->second;
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    refuse(position > 0 ? position - 1 : 0, reason(error.what()));
    return false;
  }

 private:
  static constexpr bool kOrdered = std::is_same_v<Json, nlohmann::ordered_json>;

  bool add(Json value) {
    place(std::move(value));
    return true;
  }

  void open(Json container) {
    if (stack_.size() == kMaxDepth) {
      refuse(offset() - 1, fmt::format("is nested deeper than {} levels", kMaxDepth));
    }
    stack_.push_back(place(std::move(container)));
  }

  Json* place(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (stack_.back()->is_array()) {
      auto& array = stack_.back()->template get_ref<typename Json::array_t&>();
      return &array.emplace_back(std::move(value));
    }
    *slot_ = std::move(value);
    return slot_;
  }

  std::size_t offset() const { return static_cast<std::size_t>(reached_ - text_.data()); }

  [[noreturn]] void refuse_repetition(std::string_view name) const {
    refuse(literal_begin(text_, offset()), fmt::format("the key {} is repeated", in_quotes(name)));
  }

  [[noreturn]] void refuse(std::size_t at, std::string message) const {
    const std::string_view before = text_.substr(0, std::min(at, text_.size()));
    const std::size_t line_start = before.rfind('\n') + 1;
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto column =
        1 + std::count_if(before.begin() + static_cast<std::ptrdiff_t>(line_start), before.end(),
                          [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
    throw Error(ErrorKind::kInput, fmt::format("{}:{}:{}", subject_, line, column), std::move(message));
  }

  std::string_view text_;
  const std::string& subject_;
  const char* reached_ = text_.data();
  Json root_;
  Json* slot_ = nullptr;
  std::vector<Json*> stack_;
  std::vector<std::set<std::string, std::less<>>> keys_;
};

template <typename Json>
Json parse(std::string_view text, const std::string& subject) {
  if (text.size() > kMaxBytes) {
    throw Error(ErrorKind::kInput, subject,
                fmt::format("is {} bytes long; a JSON file may have at most {}", text.size(), kMaxBytes));
  }
  return Builder<Json>(text, subject).parse();
}

}  // namespace

nlohmann::json read_json_file(const std::filesystem::path& path) {
  return parse<nlohmann::json>(MappedFile::open(path)->text(), path.string());
}

nlohmann::ordered_json read_ordered_json_file(const std::filesystem::path& path) {
  return parse<nlohmann::ordered_json>(MappedFile::open(path)->text(), path.string());
}

nlohmann::json parse_json(std::string_view text, const std::string& subject) {
  return parse<nlohmann::json>(text, subject);
}

}  // namespace lore
