// The cases hold the packs: whatever row, class, category, place, age or day of
// a pack is taken away or moved, some case comes out otherwise. Looks at
// effects, reasons, transforms, attached regimes and what is owed, not at the
// names of rules, except where days and ages are moved.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "policy/engine/check.h"
#include "policy/engine/civil.h"
#include "policy/engine/policy_case.h"
#include "policy/packs/pack_cases.h"
#include "tests/testing/status_matchers.h"
#include "tools/consentry/policy_files.h"

namespace consentry::policy {
namespace {

using config::v1::Pack;
using config::v1::PolicyCase;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Cases of one profile of the business.
struct Group {
  config::v1::ControllerProfile profile;
  std::vector<PolicyCase> cases;
};

// Of the files below `folder`; empty: of all.
std::vector<Group> LoadGroups(bool rules, const std::string& folder) {
  std::map<std::string, Group> groups;
  for (const EmbeddedFile& file : EmbeddedCases()) {
    if (file.name == "catalog.txtpb" || file.name == "purposes.txtpb") continue;
    if (file.name.substr(0, folder.size()) != folder) continue;
    const auto parsed = tools::ParseCaseFile(file.name, file.content);
    EXPECT_OK(parsed);
    if (!parsed.ok()) continue;
    for (int i = 0; i < parsed->located.message.cases_size(); ++i) {
      const auto& profile = parsed->ProfileOf(static_cast<size_t>(i));
      Group& group = groups[profile.SerializeAsString()];
      group.profile = profile;
      PolicyCase one = parsed->located.message.cases(i);
      if (!rules) one.mutable_expect()->clear_rules();
      one.mutable_expect()->clear_decided_until();
      group.cases.push_back(std::move(one));
    }
  }
  std::vector<Group> out;
  for (auto& [key, group] : groups) out.push_back(std::move(group));
  return out;
}

class MutationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(sources_, tools::LoadPolicySources({}, true));
    // Positions are of no use here, and stay behind when rows are removed.
    for (auto& pack : sources_.packs) pack.text = nullptr;
    groups_ = LoadGroups(false, "");
    ASSERT_TRUE(AllPass(sources_, groups_));
  }

  // From here on the rules that cases name count too.
  void CompareRules() {
    rules_ = true;
    groups_ = LoadGroups(true, "");
    ASSERT_TRUE(AllPass(sources_, groups_));
  }

  static bool Passes(const Bundle& bundle, const PolicyCase& one) {
    Decision decision;
    const auto bound = BindCase(bundle, one, Place());
    if (!bound.ok() ||
        !Decide(bundle, bound->facts, bound->request, &decision).ok()) {
      return false;
    }
    const auto differences =
        CompareWithExpectation(bundle, decision, one.expect());
    return differences.ok() && differences->empty();
  }

  static bool AllPass(const BundleSources& sources,
                      const std::vector<Group>& groups) {
    for (const Group& group : groups) {
      BundleSources copy = sources;
      copy.profile = Unlocated(group.profile);
      const auto bundle = Bundle::Compile(std::move(copy));
      if (!bundle.ok()) return false;
      for (const PolicyCase& one : group.cases) {
        if (!Passes(**bundle, one)) return false;
      }
    }
    return true;
  }

  // The pack beside the one that stands in where nothing attaches, with those
  // of its own cases that hold for these two alone: quick to ask.
  struct Alone {
    BundleSources sources;
    size_t pack = 0;
    std::vector<Group> groups;
  };

  const Alone& AloneWith(size_t pack) {
    const auto found = alone_.find({pack, rules_});
    if (found != alone_.end()) return found->second;
    Alone& out = alone_[{pack, rules_}];
    out.sources = sources_;
    out.sources.packs.clear();
    for (size_t p = 0; p < sources_.packs.size(); ++p) {
      if (p == pack) out.pack = out.sources.packs.size();
      if (p == pack || sources_.packs[p].message.id() == "eu-gdpr") {
        out.sources.packs.push_back(sources_.packs[p]);
      }
    }
    for (Group& group :
         LoadGroups(rules_, sources_.packs[pack].message.id() + "/")) {
      BundleSources copy = out.sources;
      copy.profile = Unlocated(group.profile);
      const auto bundle = Bundle::Compile(std::move(copy));
      // A threshold of another pack.
      if (!bundle.ok()) continue;
      std::erase_if(group.cases, [&](const PolicyCase& one) {
        return !Passes(**bundle, one);
      });
      out.groups.push_back(std::move(group));
    }
    return out;
  }

  // Applies `change` to a copy of the pack and expects some case to notice.
  template <class F>
  void ExpectNoticed(size_t pack, const std::string& what, F change) {
    ++mutants_;
    const Alone& alone = AloneWith(pack);
    BundleSources small = alone.sources;
    change(&small.packs[alone.pack].message);
    if (!AllPass(small, alone.groups)) return;
    BundleSources mutant = sources_;
    change(&mutant.packs[pack].message);
    EXPECT_FALSE(AllPass(mutant, groups_))
        << sources_.packs[pack].message.id() << ": no case notices " << what;
  }

  BundleSources sources_;
  std::vector<Group> groups_;
  bool rules_ = false;
  std::map<std::pair<size_t, bool>, Alone> alone_;
  int mutants_ = 0;
};

void RemoveElement(Message* message, const FieldDescriptor* field, int index) {
  const Reflection* reflection = message->GetReflection();
  const int last = reflection->FieldSize(*message, field) - 1;
  for (int i = index; i < last; ++i) {
    reflection->SwapElements(message, field, i, i + 1);
  }
  reflection->RemoveLast(message, field);
}

Message* Row(Pack* pack, const std::string& rows, int index) {
  return pack->GetReflection()->MutableRepeatedMessage(
      pack, pack->GetDescriptor()->FindFieldByName(rows), index);
}

struct RowName {
  std::string rows;
  int index;
  std::string id;
};

std::vector<RowName> RowsOf(const Pack& pack) {
  std::vector<RowName> out;
  ForEachRule(
      pack, [&](const config::v1::RuleInfo& rule, const char* rows, int index) {
        if (DecisionsRead(rows)) out.push_back({rows, index, rule.id()});
      });
  return out;
}

std::string Shifted(const std::string& day, int by) {
  return FormatDay(*ParseDay(day) + by);
}

// What denies where silence would deny as well; such a row gives the denial a
// name and a citation.
bool DeniesAlone(const Pack& pack, const RowName& row) {
  if (row.rows == "uses") {
    return pack.uses(row.index).mode() == config::v1::Mode::DENY;
  }
  return row.rows == "sensitive" &&
         pack.sensitive(row.index).demand() ==
             config::v1::SensitiveRule::DENY &&
         pack.sensitive(row.index).categories().empty();
}

// A signal denies what its successor denies; a row that asks for nothing yields
// to any other.
bool RepeatedBySuccessor(const Pack& pack, const RowName& row) {
  if (row.rows == "sensitive") {
    return pack.sensitive(row.index).demand() ==
           config::v1::SensitiveRule::NONE;
  }
  if (row.rows == "automated_decisions") {
    return pack.automated_decisions(row.index).human() ==
           config::v1::AutomatedDecisionRule::NONE;
  }
  return row.rows == "signals";
}

TEST_F(MutationTest, NoRowCanBeRemovedUnnoticed) {
  for (size_t p = 0; p < sources_.packs.size(); ++p) {
    for (const RowName& row : RowsOf(sources_.packs[p].message)) {
      if (DeniesAlone(sources_.packs[p].message, row)) continue;
      ExpectNoticed(p, "the removal of " + row.id, [&](Pack* pack) {
        RemoveElement(pack, pack->GetDescriptor()->FindFieldByName(row.rows),
                      row.index);
      });
    }
  }
  EXPECT_GT(mutants_, 330);
}

TEST_F(MutationTest, NoElementOfARowCanBeRemovedUnnoticed) {
  for (size_t p = 0; p < sources_.packs.size(); ++p) {
    const Pack& original = sources_.packs[p].message;
    for (const RowName& row : RowsOf(original)) {
      if (DeniesAlone(original, row)) continue;
      Pack copy = original;
      const Message* message = Row(&copy, row.rows, row.index);
      std::vector<const FieldDescriptor*> fields;
      message->GetReflection()->ListFields(*message, &fields);
      for (const FieldDescriptor* field : fields) {
        if (!field->is_repeated()) continue;
        const int size = message->GetReflection()->FieldSize(*message, field);
        // A list of one, removed, means "all": that is another mutation, and
        // for bases a refused file.
        for (int i = 0; size > 1 && i < size; ++i) {
          // An age that is written out although it is that of all others.
          if (field->name() == "below_age_in" &&
              original.minors(row.index).below_age_in(i).below_age() ==
                  original.minors(row.index).below_age()) {
            continue;
          }
          ExpectNoticed(p,
                        row.id + " without " + field->name() + "[" +
                            std::to_string(i) + "]",
                        [&](Pack* pack) {
                          RemoveElement(Row(pack, row.rows, row.index), field,
                                        i);
                        });
        }
      }
    }
  }
  EXPECT_GT(mutants_, 1400);
}

TEST_F(MutationTest, NoCategoryOrPlaceCanBeRemovedUnnoticed) {
  for (size_t p = 0; p < sources_.packs.size(); ++p) {
    const Pack& original = sources_.packs[p].message;
    const FieldDescriptor* categories =
        original.GetDescriptor()->FindFieldByName("sensitive_categories");
    for (int i = 0; i < original.sensitive_categories_size(); ++i) {
      ExpectNoticed(p, "the removal of " + original.sensitive_categories(i),
                    [&](Pack* pack) { RemoveElement(pack, categories, i); });
    }
    for (int g = 0; g < original.groups_size(); ++g) {
      for (int m = 0; m < original.groups(g).members_size(); ++m) {
        ExpectNoticed(
            p, "the removal of " + original.groups(g).members(m),
            [&](Pack* pack) {
              auto* group = pack->mutable_groups(g);
              RemoveElement(
                  group, group->GetDescriptor()->FindFieldByName("members"), m);
            });
      }
    }
  }
  EXPECT_GT(mutants_, 80);
}

TEST_F(MutationTest, NoAgeCanBeMovedUnnoticed) {
  CompareRules();
  for (size_t p = 0; p < sources_.packs.size(); ++p) {
    const Pack& original = sources_.packs[p].message;
    for (int r = 0; r < original.minors_size(); ++r) {
      const std::string& id = original.minors(r).rule().id();
      for (const uint32_t by : {1u, 0u - 1u}) {
        ExpectNoticed(p, "another age in " + id, [&](Pack* pack) {
          auto* row = pack->mutable_minors(r);
          row->set_below_age(row->below_age() + by);
        });
        if (original.minors(r).from_age() > 0) {
          ExpectNoticed(p, "another first age in " + id, [&](Pack* pack) {
            auto* row = pack->mutable_minors(r);
            row->set_from_age(row->from_age() + by);
          });
        }
        for (int j = 0; j < original.minors(r).below_age_in_size(); ++j) {
          const auto& place = original.minors(r).below_age_in(j);
          ExpectNoticed(
              p, "another age in " + place.jurisdictions(0), [&](Pack* pack) {
                auto* entry = pack->mutable_minors(r)->mutable_below_age_in(j);
                entry->set_below_age(entry->below_age() + by);
              });
        }
      }
    }
  }
  EXPECT_GT(mutants_, 80);
}

TEST_F(MutationTest, NoDayCanBeMovedUnnoticed) {
  CompareRules();
  for (size_t p = 0; p < sources_.packs.size(); ++p) {
    const Pack& original = sources_.packs[p].message;
    for (const int by : {1, -1}) {
      ExpectNoticed(p, "another first day of the pack", [&](Pack* pack) {
        pack->set_valid_from(Shifted(pack->valid_from(), by));
      });
      for (const RowName& row : RowsOf(original)) {
        const auto rule = [&](Pack* pack) {
          Message* message = Row(pack, row.rows, row.index);
          return static_cast<config::v1::RuleInfo*>(
              message->GetReflection()->MutableMessage(
                  message, message->GetDescriptor()->FindFieldByName("rule")));
        };
        Pack copy = original;
        if (!rule(&copy)->valid_from().empty()) {
          ExpectNoticed(p, "another first day of " + row.id, [&](Pack* pack) {
            rule(pack)->set_valid_from(Shifted(rule(pack)->valid_from(), by));
          });
        }
        // A row that ended a day later would say beside its successor what
        // that one says, or nothing.
        if (!rule(&copy)->valid_to().empty() &&
            !(by > 0 && RepeatedBySuccessor(original, row))) {
          ExpectNoticed(p, "another last day of " + row.id, [&](Pack* pack) {
            rule(pack)->set_valid_to(Shifted(rule(pack)->valid_to(), by));
          });
        }
      }
    }
  }
  EXPECT_GT(mutants_, 20);
}

}  // namespace
}  // namespace consentry::policy
