// What a customer learns of the outputs about her.
#include "gateway/screening/subject_outputs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "gateway/access/output_decision.h"
#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::screening {
namespace {

using testing::kLettersPurpose;

class SubjectOutputsTest : public ::testing::Test, public ScreeningFixture {
 protected:
  std::string Reader(const std::string& key) {
    const std::string id = Person(key);
    Give(id, kLettersPurpose);
    return id;
  }
  auto Group(const std::string& subject) {
    vault::SubjectReader::HeadOptions options;
    options.as_of_change = committer()->LastStored();
    options.past_cache = true;
    auto group =
        reader().ReadGroup(reader_connection(), Number(subject), options);
    EXPECT_OK(group);
    return *std::move(group);
  }
  store::v1::AccessReport Report(const std::string& subject) {
    const auto grant = access::ReviewGrant(bundle());
    EXPECT_OK(grant);
    store::v1::AccessReport report;
    EXPECT_OK(
        outputs_.AddTo(reader_connection(), *grant, Group(subject), &report));
    return report;
  }

  const SubjectOutputs outputs_{&parts()};
  int64_t last_ = 0;
};

TEST_F(SubjectOutputsTest, SheLearnsOfAllOfThemWhateverBecameOfThem) {
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  const auto released = Screen("letters", Letter(anna, "l-1"));
  ASSERT_OK(released);
  auto claim = Letter(anna, "l-2");
  claim.mutable_output()->set_text("Only 2 left in stock!");
  ASSERT_OK(Screen("letters", claim));
  ASSERT_OK(Screen("bank", Refusal(anna, "c-1")));
  ASSERT_OK(Screen("letters", Letter(berta, "l-3")));
  ASSERT_OK(Declare(anna, v1::VULNERABILITY_KIND_DEBT));

  const store::v1::AccessReport report = Report(anna);
  ASSERT_EQ(report.outputs_size(), 3);
  // Newest first.
  EXPECT_EQ(report.outputs(0).verdict(), "held");
  EXPECT_EQ(report.outputs(0).model(), "credit@3");
  EXPECT_EQ(report.outputs(0).label(), "refused");
  EXPECT_EQ(report.outputs(0).score(), "0.2");
  EXPECT_EQ(report.outputs(0).favourable(), "no");
  EXPECT_EQ(report.outputs(0).logic(), "The tier is low.");
  EXPECT_EQ(report.outputs(1).verdict(), "blocked");
  EXPECT_EQ(report.outputs(1).content(), "Only 2 left in stock!");
  EXPECT_EQ(report.outputs(2).verdict(), "released");
  EXPECT_EQ(report.outputs(2).id(), released->screening_id());
  ASSERT_EQ(report.outputs(2).inputs_size(), 1);
  EXPECT_EQ(report.outputs(2).inputs(0), "user.contact.email");
  ASSERT_EQ(report.vulnerabilities_size(), 1);
  EXPECT_EQ(report.vulnerabilities(0).kind(), "debt");
  EXPECT_EQ(report.vulnerabilities(0).basis(), "customer told us");

  const auto listed = outputs_.List(reader_connection(), Group(anna), 2);
  ASSERT_OK(listed);
  ASSERT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->front().verdict(), "held");
  EXPECT_EQ(listed->front().logic(), "credit@3, from user.account");
}

TEST_F(SubjectOutputsTest, EverythingThatOneSaysIsTold) {
  const std::string anna = Reader("anna");
  auto request = Letter(anna, "p-1");
  v1::Output* output = request.mutable_output();
  output->set_kind(v1::OUTPUT_KIND_OFFER);
  output->set_text("A chair for you");
  output->set_label("bargain hunters");
  output->set_item("chair");
  output->mutable_price()->set_currency("EUR");
  output->mutable_price()->set_minor_units(1250);
  *output->mutable_base_price() = output->price();
  output->add_ranking("chair");
  output->add_ranking("table");
  output->set_score(0.5);
  output->set_experiment("spring");
  output->set_variant("b");
  output->add_disclosures("personalised_price");
  v1::Evidence* stock = output->add_evidence();
  stock->set_source("shop");
  stock->mutable_time()->set_seconds(kNowUs / 1'000'000);
  stock->set_stock(2);
  ASSERT_OK(Screen("letters", request));
  const store::v1::AccessReport report = Report(anna);
  ASSERT_EQ(report.outputs_size(), 1);
  const store::v1::ReportOutput& told = report.outputs(0);
  EXPECT_EQ(told.content(), "A chair for you");
  EXPECT_EQ(told.label(), "bargain hunters");
  EXPECT_EQ(told.price(), "12.50 EUR");
  EXPECT_EQ(told.base_price(), "12.50 EUR");
  ASSERT_EQ(told.ranking_size(), 2);
  EXPECT_EQ(told.ranking(1), "table");
  EXPECT_EQ(told.score(), "0.5");
  EXPECT_EQ(told.favourable(), "");
  EXPECT_EQ(told.experiment(), "spring");
  EXPECT_EQ(told.variant(), "b");
  ASSERT_EQ(told.disclosures_size(), 1);
  ASSERT_EQ(told.evidence_size(), 1);
  EXPECT_NE(told.evidence(0).find("stock 2"), std::string::npos);
}

TEST_F(SubjectOutputsTest, WhatAReviewerAlteredIsToldAsItWasToo) {
  const std::string anna = Person("anna");
  const auto held = Screen("bank", Refusal(anna, "c-1"));
  ASSERT_OK(held);
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf;
    const absl::Status status =
        target().Apply(context, held->screening_id(), review::Ruling::kReverse,
                       "granted", &leaf);
    context.SetEntry(leaf.SerializeAsString());
    return status;
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  const store::v1::AccessReport report = Report(anna);
  ASSERT_EQ(report.outputs_size(), 1);
  EXPECT_EQ(report.outputs(0).label(), "granted");
  EXPECT_EQ(report.outputs(0).favourable(), "yes");
  EXPECT_EQ(report.outputs(0).alteration(), "reversed");
  const auto& original = report.outputs(0).original();
  EXPECT_NE(std::find(original.begin(), original.end(), "label: refused"),
            original.end());
  EXPECT_NE(std::find(original.begin(), original.end(), "favourable: no"),
            original.end());
}

TEST_F(SubjectOutputsTest, NoneIsLeftOutHoweverManyThereAre) {
  const std::string anna = Person("anna");
  // More than are read at once, and than a page of them.
  constexpr int kMany = 2100;
  ASSERT_OK(Screen("letters", Letter(anna, "l-0")));
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    auto first = parts().rows->List(context.connection(), {}, 0, 1, &last_);
    if (!first.ok()) return first.status();
    const auto keys_of = keys().slots().Load(Number(anna));
    if (!keys_of.ok()) return keys_of.status();
    for (int i = 1; i < kMany; ++i) {
      ScreeningRow row = first->front();
      row.no += i;
      row.id = crypto::NewObjectId();
      row.output_key =
          parts().rows->keys().Output("letters", std::to_string(i));
      auto words =
          parts().rows->SealOutput(&*keys_of, row.id, row.row_generation, {});
      if (!words.ok()) return words.status();
      row.output = *std::move(words);
      if (auto status =
              parts().rows->Insert(context.connection(), &*keys_of, row);
          !status.ok()) {
        return status;
      }
    }
    context.SetEntry(store::v1::Leaf().SerializeAsString());
    return absl::OkStatus();
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  EXPECT_EQ(Report(anna).outputs_size(), kMany);
}

TEST_F(SubjectOutputsTest, OfWhoeverIsJoinedWithHerToo) {
  const std::string anna = Reader("anna");
  const std::string other = Reader("other");
  ASSERT_OK(Screen("letters", Letter(anna, "l-1")));
  ASSERT_OK(Screen("letters", Letter(other, "l-2")));
  EXPECT_EQ(Report(anna).outputs_size(), 1);
  Merge(anna, other);
  EXPECT_EQ(Report(anna).outputs_size(), 2);
  EXPECT_EQ(Report(other).outputs_size(), 2);
}

TEST_F(SubjectOutputsTest, AnErasureLeavesNone) {
  const std::string anna = Reader("anna");
  ASSERT_OK(Screen("letters", Letter(anna, "l-1")));
  ASSERT_OK(Declare(anna, v1::VULNERABILITY_KIND_DEBT));
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    context.SetEntry(store::v1::Leaf().SerializeAsString());
    return upkeep().Forget(context, Number(anna), 100).status();
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  const store::v1::AccessReport report = Report(anna);
  EXPECT_EQ(report.outputs_size(), 0);
  EXPECT_EQ(report.vulnerabilities_size(), 0);
}

}  // namespace
}  // namespace consentry::screening
