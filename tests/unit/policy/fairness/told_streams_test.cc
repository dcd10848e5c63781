// What the monitors of one version let one compute by subtraction.
#include "policy/fairness/told_streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy::fairness {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kLeast = 10;

std::string Attribute(const std::string& name,
                      const std::vector<std::string>& groups, bool rest,
                      bool unknown = false) {
  std::string text = absl::StrCat(
      "attributes { name: '", name, "' source: TEXT field: 'p.", name, "' ",
      rest ? "rule: REST" : absl::StrCat("reference: '", groups.front(), "'"),
      unknown ? " compare_unknown: true" : "");
  for (const std::string& group : groups) {
    absl::StrAppend(&text, " groups { name: '", group, "' }");
  }
  return text + " }\n";
}

std::shared_ptr<const Profile> Make(const std::vector<std::string>& parts) {
  auto file = ParseText<config::v1::FairnessProfile>(
      "", absl::StrCat("id: 'p' model: 'm' favourable { labels { labels: 'y' } "
                       "} purpose: 'b' metrics { kind: SELECTION_RATE }\n",
                       absl::StrJoin(parts, "")));
  EXPECT_OK(file);
  auto profile = Profile::Create(*std::move(file));
  EXPECT_OK(profile);
  return profile.ok() ? *profile : nullptr;
}

const std::vector<std::string> kSexes = {"m", "f", "d"};
const std::vector<std::string> kAges = {"mid", "young", "old"};
constexpr char kCrossed[] =
    "intersections { attributes: 'sex' attributes: 'age' "
    "reference: 'm' reference: 'mid' }\n";

// So many people of each kind, by the numbers of their groups.
struct Atom {
  std::vector<int> groups;
  int64_t count = 0;
};

std::vector<ToldStreams::Counts> Count(const Profile& profile,
                                       const std::vector<Atom>& atoms) {
  std::vector<ToldStreams::Counts> counts;
  for (const auto& stream : profile.streams()) {
    ToldStreams::Counts& one = counts.emplace_back();
    for (const Atom& atom : atoms) {
      const auto side = stream.SideOf(atom.groups);
      if (!side) continue;
      (*side == Side::kGroup ? one.group : one.reference) += atom.count;
    }
  }
  return counts;
}

// As monitors begin: without those that are too few by themselves.
std::vector<bool> Withheld(const Profile& profile,
                           const std::vector<ToldStreams::Counts>& counts) {
  std::vector<bool> few;
  for (const auto& one : counts) {
    few.push_back(one.group < kLeast || one.reference < kLeast);
  }
  return ToldStreams(profile).Withhold(counts, few);
}

// One thousand women, as many men, three others: all less the one and the other
// are those three.
TEST(ToldStreamsTest, WhoIsLeftOfTheRestIsNotTold) {
  const auto profile = Make({Attribute("sex", kSexes, true)});
  std::vector<Atom> atoms = {{{0}, 1000}, {{1}, 1001}, {{2}, 3}};
  EXPECT_THAT(Withheld(*profile, Count(*profile, atoms)),
              ElementsAre(true, false, true));
  // Of two alone each is the other's rest.
  atoms[2].count = 0;
  EXPECT_THAT(Withheld(*profile, Count(*profile, atoms)),
              ElementsAre(false, false, true));
  // Three of whom nothing is known are not among the rest.
  atoms[2] = {{kUnknownGroup}, 3};
  EXPECT_THAT(Withheld(*profile, Count(*profile, atoms)),
              ElementsAre(false, false, true));
  atoms[2] = {{2}, 30};
  EXPECT_THAT(Withheld(*profile, Count(*profile, atoms)),
              ElementsAre(false, false, false));
}

// All women less the young and those in the middle are four old ones.
TEST(ToldStreamsTest, ACellThatIsLeftOfAGroupIsNotTold) {
  const auto profile = Make({Attribute("sex", {"m", "f"}, false),
                             Attribute("age", kAges, false), kCrossed});
  std::vector<Atom> atoms;
  for (const int sex : {0, 1}) {
    for (const int age : {0, 1, 2}) {
      atoms.push_back({{sex, age}, sex == 1 && age == 2 ? 4 : 300});
    }
  }
  const auto withheld = Withheld(*profile, Count(*profile, atoms));
  std::vector<std::string> told;
  for (size_t i = 0; i < withheld.size(); ++i) {
    if (!withheld[i]) told.push_back(profile->streams()[i].group_name);
  }
  EXPECT_THAT(told, ::testing::Contains("f"));
  EXPECT_THAT(told, ::testing::Contains("old"));
  // m*old would give the other cell of the old.
  EXPECT_THAT(told, ::testing::Not(::testing::Contains("m*old")));
  int women = 0;
  for (const std::string& group : told) women += group.starts_with("f*");
  EXPECT_LE(women, 1);
}

// Everybody's age is known, and of five people not the sex.
TEST(ToldStreamsTest, OfTwoTotalsThatDifferByFewOneIsTold) {
  const auto profile = Make({Attribute("sex", {"m", "f"}, false),
                             Attribute("age", {"mid", "old"}, false)});
  std::vector<Atom> atoms = {
      {{0, 0}, 200}, {{1, 1}, 300}, {{kUnknownGroup, 1}, 5}};
  EXPECT_THAT(Withheld(*profile, Count(*profile, atoms)),
              ElementsAre(true, false));
  atoms[2].count = 15;
  EXPECT_THAT(Withheld(*profile, Count(*profile, atoms)),
              ElementsAre(false, false));
}

TEST(ToldStreamsTest, WithoutALeastEverythingIsTold) {
  const auto profile =
      Make({Attribute("sex", kSexes, true), "suppress_below: 1\n"});
  const std::vector<ToldStreams::Counts> counts = {{9, 2}, {1, 10}, {1, 10}};
  EXPECT_THAT(
      ToldStreams(*profile).Withhold(counts, std::vector<bool>(3, false)),
      ElementsAre(false, false, false));
}

// Sums of unknown counts that somebody knows, as rows of a matrix in reduced
// form; what else follows is what lies in its row space.
class Known {
 public:
  using Row = std::vector<double>;

  void Add(Row row) {
    Reduce(&row);
    const size_t pivot = PivotOf(row);
    if (pivot == row.size()) return;
    const double first = row[pivot];
    for (double& value : row) value /= first;
    for (auto& [at, other] : rows_) Subtract(row, other[pivot], &other);
    rows_.emplace(pivot, std::move(row));
  }
  bool Follows(Row row) const {
    Reduce(&row);
    return PivotOf(row) == row.size();
  }

 private:
  static size_t PivotOf(const Row& row) {
    size_t at = 0;
    while (at < row.size() && std::fabs(row[at]) < 1e-9) ++at;
    return at;
  }
  static void Subtract(const Row& row, double times, Row* from) {
    if (times == 0) return;
    for (size_t i = 0; i < row.size(); ++i) (*from)[i] -= times * row[i];
  }
  void Reduce(Row* row) const {
    for (const auto& [pivot, known] : rows_)
      Subtract(known, (*row)[pivot], row);
  }

  std::map<size_t, Row> rows_;
};

// Whoever solves all that is told finds of no set of some sexes crossed with
// some ages, unknown and other ones among them, how many it holds or what they
// got, where that is 1 to 9 people. He knows that nobody is in a set that is
// told to be empty. With shares of those who are known, which say nothing of
// what anybody got, he finds no size of groups, nor of those of whom an
// attribute is not known; only of such as are crossed with another.
TEST(ToldStreamsTest, NothingSmallFollowsFromAllThatIsToldTogether) {
  std::mt19937 random(23);
  int told = 0;
  int withheld_large = 0;
  int shares = 0;
  for (int round = 0; round < 1500; ++round) {
    const bool crossed = round % 4 != 0;
    const bool named_cells = round % 5 == 0;
    std::string cells = kCrossed;
    if (named_cells) {
      cells.insert(cells.size() - 2, "groups: 'f*old' groups: 'd*young' ");
    }
    const auto profile =
        Make({Attribute("sex", kSexes, round % 2 == 0, round % 7 == 0),
              Attribute("age", kAges, round % 3 == 0, round % 11 == 0),
              crossed ? cells : ""});
    ASSERT_NE(profile, nullptr);
    const std::vector<int> codes = {0, 1, 2, kUnknownGroup, kOtherGroup};
    std::vector<Atom> atoms;
    std::uniform_int_distribution<int64_t> cell(0, 2 + round % 400);
    std::uniform_int_distribution<int64_t> rare(0, 3);
    const bool gaps = round % 3 != 1;
    for (const int sex : codes) {
      for (const int age : codes) {
        const bool known = sex >= 0 && age >= 0;
        const int64_t some = rare(random);
        atoms.push_back({{sex, age},
                         rare(random) == 0   ? some
                         : known || !gaps    ? cell(random)
                         : rare(random) == 0 ? some
                                             : 0});
      }
    }
    const auto counts = Count(*profile, atoms);
    const auto withheld = Withheld(*profile, counts);
    Known solver;
    Known with_shares;
    const auto row_of = [&](const auto& in) {
      Known::Row row;
      for (const Atom& atom : atoms) row.push_back(in(atom.groups) ? 1 : 0);
      return row;
    };
    const auto count_of = [&](const auto& in) {
      int64_t count = 0;
      for (const Atom& atom : atoms) count += in(atom.groups) ? atom.count : 0;
      return count;
    };
    const auto add_to = [&](Known* known, const auto& in) {
      known->Add(row_of(in));
      if (count_of(in) != 0) return;
      for (size_t i = 0; i < atoms.size(); ++i) {
        if (!in(atoms[i].groups)) continue;
        Known::Row row(atoms.size());
        row[i] = 1;
        known->Add(std::move(row));
      }
    };
    const auto add = [&](const auto& in) {
      add_to(&solver, in);
      add_to(&with_shares, in);
    };
    // Shares that are told, with how many there are.
    std::vector<int64_t> known;
    int64_t all = 0;
    for (const Atom& atom : atoms) all += atom.count;
    const auto is_known = [&](size_t stream) {
      return [&, stream](const std::vector<int>& groups) {
        const auto& about = profile->streams()[stream];
        if (about.attributes.size() == 1) {
          return groups[static_cast<size_t>(about.attributes[0])] !=
                 kUnknownGroup;
        }
        for (const auto& other : profile->streams()) {
          if (other.attributes == about.attributes && other.SideOf(groups)) {
            return true;
          }
        }
        return false;
      };
    };
    for (size_t i = 0; i < counts.size(); ++i) {
      known.push_back(count_of(is_known(i)));
    }
    const auto no_share =
        ToldStreams(*profile).WithholdShares(counts, withheld, known, all);
    for (size_t i = 0; i < withheld.size(); ++i) {
      if (withheld[i]) {
        withheld_large +=
            counts[i].group >= kLeast && counts[i].reference >= kLeast;
        continue;
      }
      ++told;
      const auto& stream = profile->streams()[i];
      add([&](const auto& groups) {
        return stream.SideOf(groups) == Side::kGroup;
      });
      add([&](const auto& groups) {
        return stream.SideOf(groups) == Side::kReference;
      });
      if (no_share[i]) continue;
      ++shares;
      add_to(&with_shares, [](const auto&) { return true; });
      add_to(&with_shares, is_known(i));
      add_to(&with_shares,
             [&](const auto& groups) { return !is_known(i)(groups); });
    }
    for (int sexes = 1; sexes < 32; ++sexes) {
      for (int ages = 1; ages < 32; ++ages) {
        const auto in = [&](const std::vector<int>& groups) {
          const auto bit = [](int code) {
            return 1 << (code >= 0 ? code : code == kUnknownGroup ? 3 : 4);
          };
          return (sexes & bit(groups[0])) != 0 && (ages & bit(groups[1])) != 0;
        };
        const int64_t count = count_of(in);
        if (count == 0 || count >= kLeast) continue;
        EXPECT_FALSE(solver.Follows(row_of(in)))
            << "round " << round << ": " << sexes << " " << ages << " of "
            << count;
        const auto whole = [](int set) { return set < 8 || set == 31; };
        if (!whole(sexes) || !whole(ages)) continue;
        EXPECT_FALSE(with_shares.Follows(row_of(in)))
            << "round " << round << ", with shares: " << sexes << " " << ages
            << " of " << count;
      }
    }
  }
  EXPECT_GT(told, 1000);
  EXPECT_GT(withheld_large, 100);
  EXPECT_GT(shares, 100);
}

}  // namespace
}  // namespace consentry::policy::fairness
