#include "lore/recipe/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "lore/recipe/yaml_text.h"

namespace lore {
namespace {

using Kind = YamlNode::Kind;

/// Ends parsing where going on would make no sense.
struct Stop {
  YamlProblem problem;
};

/// Builds the tree of one document from the parser's events.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, int source, std::vector<YamlProblem>& problems)
      : text_(text), source_(source), problems_(problems) {
    line_starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') {
        line_starts_.push_back(i + 1);
      }
    }
  }

  YamlPlace place(const YAML::Mark& mark) const {
    if (mark.is_null()) {
      return {source_, 1, 1};
    }
    const auto line = std::min(static_cast<std::size_t>(mark.line), line_starts_.size() - 1);
    return {source_, static_cast<int>(line) + 1, column_of(text_, line_starts_[line], mark.column)};
  }

  YamlNodePtr root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) {
      throw Stop{{place(mark), "a second YAML document starts here; a recipe is one document"}};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(leaf(Kind::kNull, mark, ""), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    require_closing_quote(mark);
    add(leaf(tag == "!" ? Kind::kQuoted : Kind::kPlain, mark, value), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Stop{{place(mark), "this alias stands inside the value that it names"}};
    }
    count(found->second->size, found->second->height, place(mark));
    add(found->second, YAML::NullAnchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    std::shared_ptr<YamlNode> node;
    YAML::anchor_t anchor = YAML::NullAnchor;
    YamlNodePtr key;                                   // read, its value not yet
    std::unordered_map<std::string, int> line_of_key;  // to find repeated keys
  };

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!") {
      problems_.push_back({place(mark), fmt::format("YAML tags are not accepted: {}", quoted_text(tag))});
    }
  }

  /// yaml-cpp lets a quoted string run to the end of the text.
  void require_closing_quote(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(std::max(mark.line, 0));
    const std::size_t start = line < line_starts_.size()
                                  ? line_starts_[line] + static_cast<std::size_t>(std::max(mark.column, 0))
                                  : 0;
    if (start < text_.size() && !ends_its_quote(text_.substr(start))) {
      throw Stop{{place(mark), "not valid YAML: this quoted string has no closing quotation mark"}};
    }
  }

  void count(std::size_t nodes, int levels, const YamlPlace& at) {
    nodes_ += nodes;
    if (nodes_ > kMostYamlNodes) {
      throw Stop{
          {at, fmt::format("the recipe holds more than {} values, aliases counted in full", kMostYamlNodes)}};
    }
    if (static_cast<int>(open_.size()) + levels > kMostYamlLevels) {
      throw Stop{{at, fmt::format("the recipe is nested more than {} levels deep", kMostYamlLevels)}};
    }
  }

  std::shared_ptr<YamlNode> leaf(Kind kind, const YAML::Mark& mark, const std::string& value) {
    auto node = std::make_shared<YamlNode>();
    node->kind = kind;
    node->place = place(mark);
    node->text = value;
    count(1, 1, node->place);
    return node;
  }

  void open(Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(mark, tag);
    open_.push_back({leaf(kind, mark, ""), anchor, nullptr, {}});
  }

  void close() {
    const Open closed = std::move(open_.back());
    open_.pop_back();
    add(closed.node, closed.anchor);
  }

  /// Puts a finished node where it belongs.
  void add(const YamlNodePtr& node, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      anchors_[anchor] = node;
    }
    if (open_.empty()) {
      root_ = node;
      return;
    }
    Open& parent = open_.back();
    if (parent.node->kind == Kind::kMap && !parent.key) {
      parent.key = node;
      return;
    }
    parent.node->size += node->size;
    parent.node->height = std::max(parent.node->height, node->height + 1);
    if (parent.node->kind == Kind::kList) {
      parent.node->items.push_back(node);
      return;
    }
    const YamlNodePtr key = std::exchange(parent.key, nullptr);
    if (key->kind != Kind::kPlain && key->kind != Kind::kQuoted) {
      problems_.push_back({key->place, "a key must be a name"});
      return;
    }
    const auto [known, is_new] = parent.line_of_key.emplace(key->text, key->place.line);
    if (!is_new) {
      problems_.push_back({key->place, fmt::format("duplicate key {}, first on line {}",
                                                   quoted_text(key->text), known->second)});
      return;
    }
    parent.node->entries.push_back({key->place, key->text, node});
  }

  std::string_view text_;
  int source_;
  std::vector<YamlProblem>& problems_;
  std::vector<std::size_t> line_starts_;
  std::unordered_map<YAML::anchor_t, YamlNodePtr> anchors_;
  std::vector<Open> open_;
  std::size_t nodes_ = 0;
  YamlNodePtr root_;
};

}  // namespace

const YamlEntry* YamlNode::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &YamlEntry::key);
  return found == entries.end() ? nullptr : &*found;
}

YamlNodePtr parse_yaml(std::string_view text, int source, std::vector<YamlProblem>& problems) {
  if (text.size() > kMostYamlBytes) {
    problems.push_back(
        {{source, 1, 1},
         fmt::format("the text is {} bytes; a recipe is at most {}", text.size(), kMostYamlBytes)});
    return nullptr;
  }
  const std::string lines = normalized_lines(text);
  if (auto bad = find_bad_character(lines, source)) {
    problems.push_back(std::move(*bad));
    return nullptr;
  }
  TreeBuilder builder(lines, source, problems);
  try {
    std::istringstream stream(lines);
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Stop& stop) {
    problems.push_back(stop.problem);
    return nullptr;
  } catch (const YAML::Exception& error) {
    const YamlPlace at = builder.place(error.mark);
    if (const auto tab = find_tab_indentation(lines, at.line, source)) {
      problems.push_back({*tab, "a tab cannot indent YAML; use spaces"});
    } else {
      problems.push_back({at, fmt::format("not valid YAML: {}", error.msg)});
    }
    return nullptr;
  }
  if (builder.root()) {
    return builder.root();
  }
  auto nothing = std::make_shared<YamlNode>();
  nothing->place.source = source;
  return nothing;
}

}  // namespace lore
