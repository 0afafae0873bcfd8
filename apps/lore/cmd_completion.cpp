#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "commands.h"
#include "console.h"

namespace {

/// A command and what can be written after it.
struct Node {
  std::string path;  ///< " recipe check"; empty for the program itself
  std::vector<std::pair<std::string, std::string>> commands;  ///< name, description
  std::vector<std::pair<std::string, std::string>> options;   ///< name without dashes, description
};

void collect(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  Node node{path, {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      node.options.emplace_back(name, option->get_description());
    }
  }
  const auto children = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* child : children) {
    node.commands.emplace_back(child->get_name(), child->get_description());
  }
  nodes.push_back(std::move(node));
  for (const CLI::App* child : children) {
    collect(*child, path + " " + child->get_name(), nodes);
  }
}

/// Words are offered for commands and options; anything else is completed as a file name.
std::string bash_script(const std::vector<Node>& nodes) {
  std::string paths;
  std::string cases;
  for (const Node& node : nodes) {
    std::vector<std::string> words;
    for (const auto& [name, description] : node.commands) {
      words.push_back(name);
    }
    for (const auto& [name, description] : node.options) {
      words.push_back("--" + name);
    }
    if (!node.path.empty()) {
      paths += fmt::format("{}\"{}\"", paths.empty() ? "" : "|", node.path);
    }
    cases += fmt::format("    \"{}\") words=\"{}\" ;;\n", node.path, fmt::join(words, " "));
  }
  return fmt::format(
      "_lore() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} command= word words=\n"
      "  for word in \"${{COMP_WORDS[@]:1:COMP_CWORD-1}}\"; do\n"
      "    case \"$command $word\" in\n"
      "      {}) command=\"$command $word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$command\" in\n"
      "{}"
      "  esac\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}}\n"
      "complete -o default -F _lore lore\n",
      paths, cases);
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    result += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string{c};
  }
  return result + "'";
}

std::string fish_script(const std::vector<Node>& nodes) {
  std::string script;
  for (const Node& node : nodes) {
    std::string condition;
    for (std::size_t begin = 0; begin < node.path.size();) {
      const std::size_t end = std::min(node.path.find(' ', begin + 1), node.path.size());
      condition += (condition.empty() ? "" : "; and ") +
                   ("__fish_seen_subcommand_from" + node.path.substr(begin, end - begin));
      begin = end;
    }
    if (!node.commands.empty()) {
      std::vector<std::string> names;
      for (const auto& [name, description] : node.commands) {
        names.push_back(name);
      }
      const std::string alone = node.path.empty() ? "__fish_use_subcommand"
                                                  : fmt::format("{}; and not __fish_seen_subcommand_from {}",
                                                                condition, fmt::join(names, " "));
      for (const auto& [name, description] : node.commands) {
        script +=
            fmt::format("complete -c lore -f -n {} -a {} -d {}\n", quoted(alone), name, quoted(description));
      }
    }
    const std::string when = condition.empty() ? "__fish_use_subcommand" : condition;
    for (const auto& [name, description] : node.options) {
      script += fmt::format("complete -c lore -n {} -l {} -d {}\n", quoted(when), name, quoted(description));
    }
  }
  return script;
}

}  // namespace

void add_completion(CLI::App& program, int& /*exit_code*/) {
  CLI::App* completion =
      program.add_subcommand("completion", "Print a script that completes commands in a shell");
  completion->require_subcommand(1);
  completion->footer("Example, in ~/.bashrc:\n  source <(lore completion bash)");
  const auto nodes_of = [&program] {
    std::vector<Node> nodes;
    collect(program, "", nodes);
    return nodes;
  };
  completion->add_subcommand("bash", "For bash: source <(lore completion bash)")->callback([nodes_of] {
    Console().result(bash_script(nodes_of()));
  });
  completion->add_subcommand("zsh", "For zsh: source <(lore completion zsh)")->callback([nodes_of] {
    Console().result("autoload -U +X bashcompinit && bashcompinit\n" + bash_script(nodes_of()));
  });
  completion->add_subcommand("fish", "For fish: lore completion fish | source")->callback([nodes_of] {
    Console().result(fish_script(nodes_of()));
  });
}
