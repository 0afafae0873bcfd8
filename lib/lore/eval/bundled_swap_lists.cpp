#include "lore/eval/swap_lists.h"

namespace lore {
namespace {

// "her" is both "him" and "his": it is "him" where no noun can follow, else "his".
constexpr std::string_view kLists = R"JSON({
"gender": [
  ["他", "她"], ["其他"], ["吉他"], ["他人"], ["他行"], ["他项"], ["利他"],
  ["先生", "女士"], ["男士", "女士"], ["男性", "女性"], ["男子", "女子"], ["男", "女"], ["子女"], ["儿女"], ["男女"],
  ["丈夫", "妻子"], ["老公", "老婆"], ["父亲", "母亲"], ["爸爸", "妈妈"], ["儿子", "女儿"], ["哥哥", "姐姐"],
  ["弟弟", "妹妹"], ["爷爷", "奶奶"], ["外公", "外婆"], ["小伙子", "小姑娘"], ["大爷", "大妈"], ["男朋友", "女朋友"],
  ["男友", "女友"], ["孙子", "孙女"], ["叔叔", "阿姨"],
  ["he", "she"], ["himself", "herself"],
  ["him.", "her."], ["him,", "her,"], ["him;", "her;"], ["him?", "her?"], ["him!", "her!"], ["him:", "her:"],
  ["him a", "her a"], ["him an", "her an"], ["him the", "her the"], ["him to", "her to"],
  ["him that", "her that"], ["him and", "her and"], ["him or", "her or"], ["him for", "her for"],
  ["him from", "her from"], ["him in", "her in"], ["him on", "her on"], ["him at", "her at"],
  ["him by", "her by"], ["him with", "her with"], ["him about", "her about"], ["him when", "her when"],
  ["him how", "her how"], ["him what", "her what"], ["him why", "her why"], ["him who", "her who"],
  ["him if", "her if"], ["him as", "her as"], ["him not", "her not"], ["him now", "her now"],
  ["him again", "her again"], ["him back", "her back"], ["him up", "her up"], ["him out", "her out"],
  ["his", "her"], ["him", "her"],
  ["Mr", "Ms"], ["sir", "madam"], ["man", "woman"], ["men", "women"], ["male", "female"], ["gentleman", "lady"],
  ["boy", "girl"], ["husband", "wife"], ["father", "mother"], ["dad", "mum"], ["son", "daughter"],
  ["brother", "sister"], ["grandfather", "grandmother"], ["uncle", "aunt"], ["nephew", "niece"],
  ["boyfriend", "girlfriend"], ["businessman", "businesswoman"], ["widower", "widow"]
],
"names": [
  ["王强", "买买提江"], ["李明", "阿卜杜拉"], ["张伟", "扎西"], ["刘洋", "巴特尔"], ["陈杰", "尼玛"], ["赵磊", "艾尼瓦尔"],
  ["李敏", "古丽娜尔"], ["王芳", "阿依古丽"], ["张丽", "卓玛"], ["刘娜", "其其格"], ["陈静", "央金"], ["赵敏", "热依汗"],
  ["Greg", "Jamal"], ["Brad", "Darnell"], ["Todd", "Rasheed"], ["Geoffrey", "Tyrone"], ["Matthew", "Hakim"],
  ["Neil", "Kareem"], ["Emily", "Lakisha"], ["Anne", "Ebony"], ["Jill", "Tamika"], ["Allison", "Latoya"],
  ["Laurie", "Aisha"], ["Sarah", "Keisha"], ["James", "Mohammed"], ["Oliver", "Omar"], ["Charlotte", "Fatima"],
  ["Lucy", "Yasmin"], ["Baker", "Hussain"], ["Walsh", "Washington"], ["Murphy", "Okafor"], ["Sullivan", "Diallo"]
],
"regions": [
  ["上海", "新疆"], ["北京", "河南"], ["江苏", "西藏"], ["浙江", "甘肃"], ["广东", "东北"], ["福建", "贵州"],
  ["城里", "乡下"], ["城市", "农村"], ["市区", "县城"], ["本地", "外地"],
  ["London", "Lagos"], ["Manchester", "Karachi"], ["Boston", "Detroit"], ["Berlin", "Bucharest"],
  ["Germany", "Nigeria"], ["France", "Algeria"], ["Canada", "Pakistan"], ["Sweden", "Somalia"],
  ["German", "Nigerian"], ["Canadian", "Pakistani"], ["suburb", "inner city"], ["city", "village"]
],
"ages": [
  ["{18-34}岁", "{35-54}岁", "{55-79}岁"],
  ["年轻人", "老年人"], ["年轻", "年老"], ["青年", "老年"], ["中青年"],
  ["刚毕业", "刚退休"],
  ["{18-34} years old", "{35-54} years old", "{55-79} years old"],
  ["{18-34}-year-old", "{35-54}-year-old", "{55-79}-year-old"],
  ["aged {18-34}", "aged {35-54}", "aged {55-79}"], ["age {18-34}", "age {35-54}", "age {55-79}"],
  ["a young", "an elderly"], ["young", "elderly"], ["student", "pensioner"]
]
})JSON";

}  // namespace

const std::vector<SwapList>& bundled_swap_lists() {
  static const std::vector<SwapList> lists = parse_swap_lists(kLists, "bundled lists");
  return lists;
}

}  // namespace lore
