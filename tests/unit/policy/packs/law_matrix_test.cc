// Which lawful basis may carry which purpose: the table of the law, written
// down a second time and compared with what the packs accept.

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "policy/engine/bundle.h"
#include "policy/packs/packs.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy {
namespace {

using config::v1::Channel;
using config::v1::LawfulBasis;
using PC = config::v1::PurposeClass;

// Columns: Consent, Explicit consent, contract (B), legal obligation (L), Vital
// interest, Public task, legitimate Interest, Recognised interest, Notice. '.'
// where the law refuses the basis.
using Matrix = std::map<PC::Value, std::string>;

const Matrix kEu = {
    {PC::SERVICE, "CEB...I.."},
    {PC::SUPPORT, "CEB...I.."},
    {PC::SECURITY, "..BL..I.."},
    {PC::LEGAL_OBLIGATION, "...L....."},
    {PC::LEGAL_CLAIMS, "...L..I.."},
    {PC::ANALYTICS, "CE....I.."},
    {PC::CONTENT_PERSONALIZATION, "CEB...I.."},
    {PC::DIRECT_MARKETING, "CE....I.."},
    {PC::PERSONALIZATION, "CEB...I.."},
    {PC::PROFILING, "CE....I.."},
    {PC::TARGETED_ADS, "CE......."},
    {PC::SALE_OR_SHARE, "CE......."},
    {PC::SIGNIFICANT_DECISION, ".EBL....."},
    {PC::BIAS_DETECTION, "CE....I.."},
    {PC::RIGHTS_FULFILMENT, "...L....."},
    {PC::HUMAN_REVIEW, "..BL..I.."},
    {PC::RESEARCH, "CE.L.PI.."},
    {PC::AI_TRAINING, "CE....I.."},
    {PC::EMERGENCY, "....V...."},
};

Matrix Uk() {
  Matrix uk = kEu;
  uk[PC::SECURITY] = "..BL..IR.";
  uk[PC::LEGAL_OBLIGATION] = "...L...R.";
  uk[PC::EMERGENCY] = "....V..R.";
  uk[PC::SALE_OR_SHARE] = "CE....I..";
  uk[PC::SIGNIFICANT_DECISION] = "CEBLVPI..";
  return uk;
}

Matrix America() {
  Matrix us;
  for (const auto& [purpose_class, row] : kEu) us[purpose_class] = "CE......N";
  for (const auto purpose_class :
       {PC::LEGAL_OBLIGATION, PC::LEGAL_CLAIMS, PC::EMERGENCY}) {
    us[purpose_class] = "...LV.I.N";
  }
  us[PC::RIGHTS_FULFILMENT] = "...L....N";
  return us;
}

// Permitted unless it violates the personality: a notice, or a documented
// interest where a principle is set aside.
Matrix Switzerland() {
  Matrix ch;
  for (const auto& [purpose_class, row] : kEu) ch[purpose_class] = "CE....I.N";
  for (const auto purpose_class :
       {PC::LEGAL_OBLIGATION, PC::LEGAL_CLAIMS, PC::EMERGENCY}) {
    ch[purpose_class] = "...LV.I.N";
  }
  ch[PC::RIGHTS_FULFILMENT] = "...L....N";
  ch[PC::TARGETED_ADS] = "CE......N";
  ch[PC::SALE_OR_SHARE] = "CE....I..";
  ch[PC::SIGNIFICANT_DECISION] = "CEB.....N";
  return ch;
}

Matrix Brazil() {
  Matrix br;
  for (const auto& [purpose_class, row] : kEu) br[purpose_class] = "CE....I..";
  for (const auto purpose_class :
       {PC::SERVICE, PC::SUPPORT, PC::SIGNIFICANT_DECISION}) {
    br[purpose_class] = "CEB...I..";
  }
  br[PC::SECURITY] = "..BL..I..";
  for (const auto purpose_class :
       {PC::LEGAL_OBLIGATION, PC::LEGAL_CLAIMS, PC::EMERGENCY}) {
    br[purpose_class] = "...LV.I..";
  }
  br[PC::RIGHTS_FULFILMENT] = "...L.....";
  return br;
}

// Implied consent is a notice until she withdraws.
Matrix Canada() {
  Matrix ca = America();
  // I: the business relationship of the anti-spam law.
  ca[PC::DIRECT_MARKETING] = "CE....I.N";
  for (const auto purpose_class :
       {PC::SALE_OR_SHARE, PC::AI_TRAINING, PC::SIGNIFICANT_DECISION}) {
    ca[purpose_class] = "CE.......";
  }
  return ca;
}

Matrix Quebec() {
  Matrix qc;
  for (const auto& [purpose_class, row] : kEu) qc[purpose_class] = "CE.......";
  for (const auto purpose_class :
       {PC::SERVICE, PC::SUPPORT, PC::SIGNIFICANT_DECISION}) {
    qc[purpose_class] = "CEB......";
  }
  for (const auto purpose_class :
       {PC::ANALYTICS, PC::RESEARCH, PC::BIAS_DETECTION}) {
    qc[purpose_class] = "CE....I..";
  }
  qc[PC::SECURITY] = "...L..I..";
  qc[PC::HUMAN_REVIEW] = "..BL.....";
  for (const auto purpose_class :
       {PC::LEGAL_OBLIGATION, PC::LEGAL_CLAIMS, PC::EMERGENCY}) {
    qc[purpose_class] = "...LV.I..";
  }
  qc[PC::RIGHTS_FULFILMENT] = "...L.....";
  return qc;
}

Matrix Japan() {
  Matrix jp = America();
  jp[PC::TARGETED_ADS] = "CE.......";
  return jp;
}

Matrix India() {
  Matrix in;
  for (const auto& [purpose_class, row] : kEu) in[purpose_class] = "CE.......";
  for (const auto purpose_class :
       {PC::SERVICE, PC::SUPPORT, PC::HUMAN_REVIEW}) {
    in[purpose_class] = "CEB......";
  }
  in[PC::SECURITY] = "CE.L.....";
  for (const auto purpose_class :
       {PC::LEGAL_OBLIGATION, PC::LEGAL_CLAIMS, PC::EMERGENCY}) {
    in[purpose_class] = "...LV.I..";
  }
  in[PC::RIGHTS_FULFILMENT] = "...L.....";
  return in;
}

config::v1::PurposeRegistry OnePurpose(PC::Value purpose_class,
                                       LawfulBasis::Value basis,
                                       const std::string& regime) {
  config::v1::PurposeRegistry registry;
  auto* purpose = registry.add_purposes();
  purpose->set_key("purpose");
  purpose->set_purpose_class(purpose_class);
  auto* text = purpose->add_text();
  text->set_language("en");
  text->set_text("words");
  for (int c = 1; c < Channel::Value_ARRAYSIZE; ++c) {
    if (Channel::Value_IsValid(c)) {
      purpose->add_channels(static_cast<Channel::Value>(c));
    }
  }
  purpose->set_dpia("dpia");
  auto* entry = purpose->add_bases();
  entry->add_regimes(regime);
  entry->set_basis(basis);
  entry->set_necessity_note("note");
  entry->set_lia("lia");
  entry->set_law("law");
  entry->set_notice_id("notice");
  entry->set_notice_version(1);
  return registry;
}

void ExpectMatrix(const std::string& regime, const Matrix& matrix) {
  ASSERT_EQ(matrix.size(), 19u);
  BundleSources sources;
  for (const EmbeddedFile& file : EmbeddedPacks()) {
    ASSERT_OK_AND_ASSIGN(auto pack,
                         ParseText<config::v1::Pack>(file.name, file.content));
    if (pack.message.id() == regime) sources.packs.push_back(std::move(pack));
  }
  ASSERT_EQ(sources.packs.size(), 1u);
  ASSERT_OK_AND_ASSIGN(sources.catalog, ParseText<config::v1::Catalog>(
                                            EmbeddedDefaults()[0].name,
                                            EmbeddedDefaults()[0].content));
  sources.profile.message.set_home("DE");
  for (const auto& [purpose_class, row] : matrix) {
    ASSERT_EQ(row.size(), 9u);
    for (int b = 1; b <= 9; ++b) {
      const auto basis = static_cast<LawfulBasis::Value>(b);
      sources.purposes = Unlocated(OnePurpose(purpose_class, basis, regime));
      const bool accepted = Bundle::Compile(sources).ok();
      EXPECT_EQ(accepted, row[static_cast<size_t>(b - 1)] != '.')
          << regime << " " << PC::Value_Name(purpose_class) << " "
          << LawfulBasis::Value_Name(basis);
    }
  }
}

TEST(LawMatrixTest, EuropeAcceptsTheBasesOfArticle6AndRefusesTheRest) {
  ExpectMatrix("eu-gdpr", kEu);
}

TEST(LawMatrixTest, BritainAddsRecognisedInterestsAndOpensDecisions) {
  ExpectMatrix("uk-gdpr", Uk());
}

TEST(LawMatrixTest, CaliforniaAsksForNotices) {
  ExpectMatrix("us-ca", America());
}

TEST(LawMatrixTest, OtherStatesAskForNotices) {
  for (const char* regime : {"us-va", "us-co", "us-ct", "us-tx"}) {
    ExpectMatrix(regime, America());
  }
}

TEST(LawMatrixTest, SwitzerlandPermitsWhatViolatesNobody) {
  ExpectMatrix("ch-fadp", Switzerland());
}

TEST(LawMatrixTest, BrazilKnowsContractsInterestsAndConsents) {
  ExpectMatrix("br-lgpd", Brazil());
}

TEST(LawMatrixTest, CanadaImpliesConsentWhereNothingIsSensitive) {
  ExpectMatrix("ca-pipeda", Canada());
}

TEST(LawMatrixTest, QuebecAsksFirst) { ExpectMatrix("ca-qc", Quebec()); }

TEST(LawMatrixTest, JapanAsksForPurposesMadeKnown) {
  ExpectMatrix("jp-appi", Japan());
}

TEST(LawMatrixTest, IndiaAsksFirst) { ExpectMatrix("in-dpdp", India()); }

}  // namespace
}  // namespace consentry::policy
