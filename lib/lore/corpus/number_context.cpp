#include "lore/corpus/number_context.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "lore/core/utf8.h"

namespace lore {
namespace {

/// How far before a number its label is looked for, in bytes: 14 Chinese characters.
constexpr std::size_t kLabelReach = 42;
/// How far between a label and its number.
constexpr std::size_t kLabelGap = 18;

constexpr std::array kLabels = {std::pair{std::string_view("电话"), NumberLabel::kPhone},
                                std::pair{std::string_view("手机"), NumberLabel::kPhone},
                                std::pair{std::string_view("联系方式"), NumberLabel::kPhone},
                                std::pair{std::string_view("座机"), NumberLabel::kPhone},
                                std::pair{std::string_view("固话"), NumberLabel::kPhone},
                                std::pair{std::string_view("传真"), NumberLabel::kPhone},
                                std::pair{std::string_view("致电"), NumberLabel::kPhone},
                                std::pair{std::string_view("拨打"), NumberLabel::kPhone},
                                std::pair{std::string_view("tel"), NumberLabel::kPhone},
                                std::pair{std::string_view("telephone"), NumberLabel::kPhone},
                                std::pair{std::string_view("phone"), NumberLabel::kPhone},
                                std::pair{std::string_view("mobile"), NumberLabel::kPhone},
                                std::pair{std::string_view("mob"), NumberLabel::kPhone},
                                std::pair{std::string_view("cell"), NumberLabel::kPhone},
                                std::pair{std::string_view("cellphone"), NumberLabel::kPhone},
                                std::pair{std::string_view("fax"), NumberLabel::kPhone},
                                std::pair{std::string_view("whatsapp"), NumberLabel::kPhone},
                                std::pair{std::string_view("身份证"), NumberLabel::kIdCard},
                                std::pair{std::string_view("证件号"), NumberLabel::kIdCard},
                                std::pair{std::string_view("身份号"), NumberLabel::kIdCard},
                                std::pair{std::string_view("idcard"), NumberLabel::kIdCard},
                                std::pair{std::string_view("id card"), NumberLabel::kIdCard},
                                std::pair{std::string_view("identity card"), NumberLabel::kIdCard},
                                std::pair{std::string_view("银行卡"), NumberLabel::kBankCard},
                                std::pair{std::string_view("卡号"), NumberLabel::kBankCard},
                                std::pair{std::string_view("账号"), NumberLabel::kBankCard},
                                std::pair{std::string_view("帐号"), NumberLabel::kBankCard},
                                std::pair{std::string_view("账户"), NumberLabel::kBankCard},
                                std::pair{std::string_view("信用卡"), NumberLabel::kBankCard},
                                std::pair{std::string_view("储蓄卡"), NumberLabel::kBankCard},
                                std::pair{std::string_view("借记卡"), NumberLabel::kBankCard},
                                std::pair{std::string_view("card"), NumberLabel::kBankCard},
                                std::pair{std::string_view("visa"), NumberLabel::kBankCard},
                                std::pair{std::string_view("mastercard"), NumberLabel::kBankCard},
                                std::pair{std::string_view("护照"), NumberLabel::kPassport},
                                std::pair{std::string_view("passport"), NumberLabel::kPassport},
                                std::pair{std::string_view("通行证"), NumberLabel::kPermit},
                                std::pair{std::string_view("台胞证"), NumberLabel::kPermit},
                                std::pair{std::string_view("回乡证"), NumberLabel::kPermit},
                                std::pair{std::string_view("ssn"), NumberLabel::kSsn},
                                std::pair{std::string_view("social security"), NumberLabel::kSsn},
                                std::pair{std::string_view("订单"), NumberLabel::kReference},
                                std::pair{std::string_view("单号"), NumberLabel::kReference},
                                std::pair{std::string_view("编号"), NumberLabel::kReference},
                                std::pair{std::string_view("流水"), NumberLabel::kReference},
                                std::pair{std::string_view("批次"), NumberLabel::kReference},
                                std::pair{std::string_view("批号"), NumberLabel::kReference},
                                std::pair{std::string_view("序列号"), NumberLabel::kReference},
                                std::pair{std::string_view("条码"), NumberLabel::kReference},
                                std::pair{std::string_view("条形码"), NumberLabel::kReference},
                                std::pair{std::string_view("合同号"), NumberLabel::kReference},
                                std::pair{std::string_view("交易号"), NumberLabel::kReference},
                                std::pair{std::string_view("发票"), NumberLabel::kReference},
                                std::pair{std::string_view("凭证"), NumberLabel::kReference},
                                std::pair{std::string_view("代码"), NumberLabel::kReference},
                                std::pair{std::string_view("税号"), NumberLabel::kReference},
                                std::pair{std::string_view("文号"), NumberLabel::kReference},
                                std::pair{std::string_view("许可证"), NumberLabel::kReference},
                                std::pair{std::string_view("时间戳"), NumberLabel::kReference},
                                std::pair{std::string_view("order"), NumberLabel::kReference},
                                std::pair{std::string_view("invoice"), NumberLabel::kReference},
                                std::pair{std::string_view("tracking"), NumberLabel::kReference},
                                std::pair{std::string_view("serial"), NumberLabel::kReference},
                                std::pair{std::string_view("batch"), NumberLabel::kReference},
                                std::pair{std::string_view("sku"), NumberLabel::kReference},
                                std::pair{std::string_view("isbn"), NumberLabel::kReference},
                                std::pair{std::string_view("ticket"), NumberLabel::kReference},
                                std::pair{std::string_view("ref"), NumberLabel::kReference},
                                std::pair{std::string_view("reference"), NumberLabel::kReference},
                                std::pair{std::string_view("transaction"), NumberLabel::kReference},
                                std::pair{std::string_view("version"), NumberLabel::kReference},
                                std::pair{std::string_view("timestamp"), NumberLabel::kReference},
                                std::pair{std::string_view("bytes"), NumberLabel::kAmount},
                                std::pair{std::string_view("memory"), NumberLabel::kAmount},
                                std::pair{std::string_view("count"), NumberLabel::kAmount},
                                std::pair{std::string_view("size"), NumberLabel::kAmount},
                                std::pair{std::string_view("total"), NumberLabel::kAmount},
                                std::pair{std::string_view("金额"), NumberLabel::kAmount},
                                std::pair{std::string_view("人民币"), NumberLabel::kAmount},
                                std::pair{std::string_view("价格"), NumberLabel::kAmount},
                                std::pair{std::string_view("余额"), NumberLabel::kAmount},
                                std::pair{std::string_view("总额"), NumberLabel::kAmount},
                                std::pair{std::string_view("市值"), NumberLabel::kAmount},
                                std::pair{std::string_view("收入"), NumberLabel::kAmount},
                                std::pair{std::string_view("利润"), NumberLabel::kAmount},
                                std::pair{std::string_view("rmb"), NumberLabel::kAmount},
                                std::pair{std::string_view("usd"), NumberLabel::kAmount},
                                std::pair{std::string_view("cny"), NumberLabel::kAmount},
                                std::pair{std::string_view("amount"), NumberLabel::kAmount}};

/// Units that make a number an amount; the first few after a space, too.
constexpr std::array<std::string_view, 18> kUnits = {"元",   "万",   "亿",   "%",  "％", "美元",
                                                     "港元", "欧元", "日元", "股", "吨", "个",
                                                     "次",   "件",   "条",   "千", "户", "台"};
constexpr std::size_t kUnitsAfterSpace = 9;

/// What ends a clause, so that a label before it belongs to something else.
constexpr std::array<std::string_view, 8> kClauseEnds = {"\n", "。", "；", ";", "！", "!", "？", "?"};

bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

/// The clause before a number as far as no digit stands in it, in lower case.
std::string clause_before(std::string_view text, std::size_t position) {
  std::size_t begin = position - std::min(position, kLabelReach);
  while (begin < position && is_utf8_continuation(text[begin])) {
    ++begin;
  }
  std::string_view clause = text.substr(begin, position - begin);
  for (const std::string_view end : kClauseEnds) {
    if (const std::size_t at = clause.rfind(end); at != std::string_view::npos) {
      clause.remove_prefix(at + end.size());
    }
  }
  // A label with another number behind it belongs to that one; a table of numbers has none to look for.
  if (const std::size_t digit = clause.find_last_of("0123456789"); digit != std::string_view::npos) {
    clause.remove_prefix(digit + 1);
  }
  std::string lowered(clause);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  return lowered;
}

/// Whether what stands before a number is in the middle of a web address.
bool is_in_address(std::string_view text, std::size_t position) {
  constexpr std::size_t kReach = 200;
  const std::string_view before =
      text.substr(position - std::min(position, kReach), std::min(position, kReach));
  std::size_t begin = before.size();
  while (begin > 0 && before[begin - 1] > ' ' && static_cast<unsigned char>(before[begin - 1]) < 0x7F &&
         before[begin - 1] != '"' && before[begin - 1] != '<') {
    --begin;
  }
  const std::string_view word = before.substr(begin);
  return word.find("://") != std::string_view::npos || word.find("www.") != std::string_view::npos;
}

}  // namespace

std::size_t NumberContext::begin_of(std::size_t first) const {
  if (first > 0) {
    return run_.groups[first].begin;
  }
  const bool closed = run_.groups.size() > 1 && run_.groups[1].gap == Gap::kClose;
  const FoldedCharacter sign = folded_at(text_, run_.begin);
  return run_.begin + (run_.open && !closed && sign.character == '(' ? sign.length : 0);
}

bool NumberContext::is_free_before(std::size_t first) const {
  if (first > 0) {
    const Gap gap = run_.groups[first].gap;
    return gap != Gap::kHyphen && gap != Gap::kDot;
  }
  const auto [before, length] = folded_before(text_, run_.begin);
  if (length == 0) {
    return true;
  }
  if (is_word(before) || before == '-' || before == '.') {
    // "tel13800138000", "Tel.: ...", "ORD-138...": a label may touch its number, another word may not.
    const std::size_t end = run_.begin - (is_word(before) ? 0 : length);
    const char last = folded_before(text_, end).character;
    if (!is_word(last)) {
      return before != '.' || !is_digit(last);
    }
    return !is_digit(last) && last != '_' && label(first) != NumberLabel::kNone &&
           label(first) != NumberLabel::kReference && label(first) != NumberLabel::kAmount;
  }
  if (before == '$' || before == '#' || before == '*' || before == '@' || before == '\\') {
    return false;
  }
  if (before == kOther) {
    const std::string_view sign = text_.substr(run_.begin - length, length);
    if (sign == "¥" || sign == "￥" || sign == "€" || sign == "£") {
      return false;
    }
  }
  return !(before == '/' || before == '=' || before == '&' || before == '?' || before == '%') ||
         !is_in_address(text_, run_.begin);
}

bool NumberContext::is_free_after(std::size_t last) const {
  if (last + 1 < run_.groups.size()) {
    const Gap gap = run_.groups[last + 1].gap;
    return gap != Gap::kHyphen && gap != Gap::kDot;
  }
  const std::size_t end = run_.end;
  const auto [after, length] = folded_at(text_, end);
  if (is_word(after) || after == '@' || after == '*' || after == '%') {
    return false;
  }
  if (after == '-') {
    const char next = folded_at(text_, end + length).character;
    if (is_word(next)) {
      return false;
    }
  }
  const std::string_view rest = text_.substr(end);
  const std::string_view past_space = text_.substr(end + (after == ' ' ? length : 0));
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    if ((i < kUnitsAfterSpace ? past_space : rest).starts_with(kUnits[i])) {
      return false;
    }
  }
  return true;
}

NumberLabel NumberContext::label(std::size_t first) const {
  const std::string clause = clause_before(text_, begin_of(first));
  NumberLabel nearest = NumberLabel::kNone;
  std::size_t nearest_end = 0;
  for (const auto& [word, label] : kLabels) {
    const std::size_t at = clause.rfind(word);
    if (at == std::string::npos) {
      continue;
    }
    const std::size_t end = at + word.size();
    const bool ascii = is_letter(word[0]);
    if (ascii && ((at > 0 && is_letter(clause[at - 1])) || (end < clause.size() && is_letter(clause[end])))) {
      continue;
    }
    if (end > nearest_end && clause.size() - end <= kLabelGap) {
      nearest = label;
      nearest_end = end;
    }
  }
  return nearest;
}

}  // namespace lore
