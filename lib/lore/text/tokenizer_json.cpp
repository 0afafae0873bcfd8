#include "lore/text/tokenizer_json.h"

#include <fmt/format.h>

#include <algorithm>

#include "lore/core/error.h"

namespace lore {
namespace {

constexpr std::size_t kMostLevels = 64;

/// nlohmann/json's SAX events, sorted into vocabulary, merges and everything else.
class TokenizerJsonReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  TokenizerJsonReader(std::size_t file_size, std::string subject)
      : file_size_(file_size), subject_(std::move(subject)) {
    vocabulary_.reserve(std::min<std::size_t>(file_size / 32, 1 << 17), file_size / 8);
  }

  TokenizerJson finish() {
    TokenizerJson result{std::move(root_), std::move(vocabulary_), {}, std::move(merge_text_)};
    result.merges.reserve(merge_ends_.size());
    std::size_t begin = 0;
    for (const auto& [middle, end] : merge_ends_) {
      std::string_view text = result.merge_text;
      result.merges.emplace_back(text.substr(begin, middle - begin), text.substr(middle, end - middle));
      begin = end;
    }
    return result;
  }

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override { return scalar(value); }
  bool number_float(number_float_t value, const string_t&) override { return scalar(value); }
  bool binary(binary_t&) override { return false; }

  bool number_unsigned(number_unsigned_t value) override {
    if (part_ != Part::kVocabulary) return scalar(value);
    // The table of ids is as long as the largest of them.
    if (value > file_size_ || value >= INT32_MAX)
      refuse("model.vocab", fmt::format("the id {} is too large", value));
    vocabulary_.insert(key_, static_cast<std::int32_t>(value));
    return true;
  }

  bool string(string_t& value) override {
    if (part_ != Part::kMerges) return scalar(std::move(value));
    if (pair_open_) {
      pair_.push_back(merge_text_.size() + value.size());
      merge_text_ += value;
      return true;
    }
    if (value.substr(0, 8) == "#version") return true;
    std::size_t space = value.find(' ');
    if (space == std::string::npos || value.find(' ', space + 1) != std::string::npos) {
      refuse(merge_subject(), fmt::format("\"{}\" is not two tokens with a space between", value));
    }
    std::size_t begin = merge_text_.size();
    merge_text_.append(value, 0, space).append(value, space + 1, std::string::npos);
    merge_ends_.emplace_back(begin + space, merge_text_.size());
    return true;
  }

  bool start_object(std::size_t) override {
    if (part_ != Part::kRest) unexpected();
    open(nlohmann::json::object());
    if (stack_.size() == 3 && path_is("vocab")) part_ = Part::kVocabulary;
    return true;
  }

  bool key(string_t& value) override {
    if (part_ == Part::kVocabulary) {
      key_ = std::move(value);
      return true;
    }
    keys_.back() = value;
    return true;
  }

  bool end_object() override { return close(); }

  bool start_array(std::size_t) override {
    if (part_ == Part::kVocabulary) unexpected();
    if (part_ == Part::kMerges) {
      if (pair_open_) unexpected();
      pair_open_ = true;
      pair_.clear();
      return true;
    }
    open(nlohmann::json::array());
    if (stack_.size() == 3 && path_is("merges")) part_ = Part::kMerges;
    return true;
  }

  bool end_array() override {
    if (!pair_open_) return close();
    if (pair_.size() != 2) refuse(merge_subject(), "a merge must be two tokens");
    merge_ends_.emplace_back(pair_[0], pair_[1]);
    pair_open_ = false;
    return true;
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    std::string_view reason = error.what();
    reason.remove_prefix(reason.find("] ") + 2);  // the library's name of the error
    throw Error(ErrorKind::kInput, subject_,
                fmt::format("not valid JSON, so damaged or cut short (fetch it again): {}", reason));
  }

 private:
  enum class Part { kRest, kVocabulary, kMerges };

  [[noreturn]] void refuse(const std::string& place, const std::string& message) const {
    throw Error(ErrorKind::kInput, fmt::format("{}: {}", subject_, place), message);
  }

  [[noreturn]] void unexpected() const {
    if (part_ == Part::kVocabulary) refuse("model.vocab", fmt::format("\"{}\" must have an id", key_));
    refuse(merge_subject(), "expected a text or a pair of texts");
  }

  std::string merge_subject() const { return fmt::format("model.merges[{}]", merge_ends_.size()); }

  bool path_is(std::string_view last) const { return keys_[0] == "model" && keys_[1] == last; }

  nlohmann::json& place(nlohmann::json value) {
    if (stack_.empty()) return root_ = std::move(value);
    nlohmann::json& parent = *stack_.back();
    if (parent.is_array()) return parent.emplace_back(std::move(value));
    return parent[keys_.back()] = std::move(value);
  }

  nlohmann::json& open(nlohmann::json value) {
    if (stack_.size() == kMostLevels)
      throw Error(ErrorKind::kInput, subject_, "nested deeper than 64 levels");
    nlohmann::json& placed = place(std::move(value));
    stack_.push_back(&placed);
    keys_.emplace_back();
    return placed;
  }

  bool close() {
    stack_.pop_back();
    keys_.pop_back();
    part_ = Part::kRest;
    return true;
  }

  bool scalar(nlohmann::json value) {
    if (part_ != Part::kRest) unexpected();
    place(std::move(value));
    return true;
  }

  std::size_t file_size_;
  std::string subject_;
  nlohmann::json root_;
  std::vector<nlohmann::json*> stack_;  // the open objects and arrays
  std::vector<std::string> keys_;       // the key being read in each of them
  Part part_ = Part::kRest;
  std::string key_;
  Vocabulary vocabulary_;
  std::string merge_text_;
  std::vector<std::pair<std::size_t, std::size_t>>
      merge_ends_;  // of the left and the right token in merge_text_
  bool pair_open_ = false;
  std::vector<std::size_t> pair_;
};

}  // namespace

TokenizerJson read_tokenizer_json(std::string_view text, const std::string& subject) {
  TokenizerJsonReader reader(text.size(), subject);
  nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
  TokenizerJson json = reader.finish();
  if (!json.description.is_object()) throw Error(ErrorKind::kInput, subject, "expected an object");
  return json;
}

MergeTable make_merge_table(const TokenizerJson& json, const std::string& subject) {
  MergeTable table;
  table.reserve(json.merges.size());
  std::string merged;
  for (std::size_t rank = 0; rank < json.merges.size(); ++rank) {
    const auto& [left, right] = json.merges[rank];
    merged.assign(left).append(right);
    auto id = [&](std::string_view token) {
      auto found = json.vocabulary.find(token);
      if (found) return *found;
      throw Error(ErrorKind::kInput, fmt::format("{}: model.merges[{}]", subject, rank),
                  fmt::format("the token \"{}\" is not in the vocabulary", token));
    };
    table.insert(id(left), id(right), {static_cast<std::uint32_t>(rank), id(merged)});
  }
  return table;
}

}  // namespace lore
