#include "gateway/vault/value_check.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "gateway/vault/digest.h"
#include "tests/testing/status_matchers.h"

namespace consentry::vault {
namespace {

using config::v1::FieldType;

class ValueCheckTest : public ::testing::Test {
 protected:
  // Text in, canonical text out; otherwise the reason's name.
  static std::string Check(FieldType::Value type, const std::string& text,
                           const config::v1::Validation& rule = {}) {
    v1::Value value;
    value.set_string_value(text);
    return CheckIn(type, value, rule);
  }
  static std::string CheckIn(FieldType::Value type, const v1::Value& value,
                             const config::v1::Validation& rule = {}) {
    config::v1::Catalog catalog;
    config::v1::RecordKind* kind = catalog.add_kinds();
    kind->set_key("k");
    config::v1::Field* field = kind->add_fields();
    field->set_key("f");
    field->set_type(type);
    *field->mutable_validation() = rule;
    auto index = CatalogIndex::Build(catalog);
    EXPECT_OK(index);
    v1::Value out;
    const v1::ErrorReason reason = CheckValue(
        (*index)->FindKind("k")->fields.begin()->second, value, "DE", &out);
    if (reason != v1::ERROR_REASON_UNSPECIFIED) {
      EXPECT_EQ(out.kind_case(), v1::Value::KIND_NOT_SET);
      return v1::ErrorReason_Name(reason).substr(13);
    }
    switch (out.kind_case()) {
      case v1::Value::kStringValue:
        return out.string_value();
      case v1::Value::kIntValue:
        return std::to_string(out.int_value());
      case v1::Value::kDoubleValue:
        return std::to_string(out.double_value());
      case v1::Value::kBoolValue:
        return out.bool_value() ? "true" : "false";
      case v1::Value::kDateValue:
        return out.date_value();
      case v1::Value::kTimeValue:
        return std::to_string(out.time_value().seconds());
      case v1::Value::kMoneyValue:
        return std::to_string(out.money_value().minor_units()) + " " +
               out.money_value().currency();
      default:
        return "";
    }
  }
};

TEST_F(ValueCheckTest, TextsAreReadAsTheirTypeDemands) {
  struct Case {
    FieldType::Value type;
    std::string in;
    std::string out;
  };
  const std::vector<Case> cases = {
      {FieldType::STRING, "  Anna ", "Anna"},
      {FieldType::STRING,
       "a\x01"
       "b",
       "VALUE_MALFORMED"},
      {FieldType::STRING, "\xff", "VALUE_MALFORMED"},
      {FieldType::STRING, " ", "NO_VALUE"},
      {FieldType::TEXT, "a\nb", "a\nb"},
      {FieldType::INT, "17", "17"},
      {FieldType::INT, "17.5", "VALUE_MALFORMED"},
      {FieldType::INT, "99999999999999999999", "VALUE_MALFORMED"},
      {FieldType::DOUBLE, "nan", "VALUE_MALFORMED"},
      {FieldType::BOOL, "Yes", "true"},
      {FieldType::BOOL, "maybe", "VALUE_MALFORMED"},
      {FieldType::DATE, "2024-02-29", "2024-02-29"},
      {FieldType::DATE, "2023-02-29", "VALUE_MALFORMED"},
      {FieldType::DATE, "2023-2-9", "VALUE_MALFORMED"},
      {FieldType::DATE, "0000-00-00", "VALUE_MALFORMED"},
      {FieldType::TIMESTAMP, "1970-01-01T01:00:00+01:00", "0"},
      {FieldType::TIMESTAMP, "yesterday", "VALUE_MALFORMED"},
      {FieldType::EMAIL, " Anna@Example.COM", "anna@example.com"},
      {FieldType::EMAIL, "anna", "VALUE_MALFORMED"},
      {FieldType::PHONE, "030 1234567", "+49301234567"},
      {FieldType::PHONE, "abc", "VALUE_MALFORMED"},
      {FieldType::COUNTRY, "de", "DE"},
      {FieldType::COUNTRY, "US-CA", "VALUE_MALFORMED"},
      {FieldType::COUNTRY, "uk", "GB"},
      {FieldType::REGION, "UK-SCT", "GB-SCT"},
      {FieldType::REGION, "EL", "GR"},
      {FieldType::REGION, "Ukraine", "VALUE_MALFORMED"},
      {FieldType::REGION, "us-ca", "US-CA"},
      {FieldType::REGION, "Germany", "VALUE_MALFORMED"},
      {FieldType::POSTAL_CODE, "SW1A 1AA", "SW1A 1AA"},
      {FieldType::POSTAL_CODE, "1", "VALUE_MALFORMED"},
      {FieldType::MONEY, "12.50 EUR", "1250 EUR"},
      {FieldType::MONEY, "12.5 eur", "1250 EUR"},
      {FieldType::MONEY, "1200 JPY", "1200 JPY"},
      {FieldType::MONEY, "1.234 KWD", "1234 KWD"},
      {FieldType::MONEY, "-3 USD", "-300 USD"},
      {FieldType::MONEY, "12.505 EUR", "VALUE_MALFORMED"},
      {FieldType::MONEY, "12.50", "VALUE_MALFORMED"},
      {FieldType::MONEY, "99999999999999999999 EUR", "VALUE_MALFORMED"},
      {FieldType::LANGUAGE, "de-AT", "de-AT"},
      {FieldType::LANGUAGE, "german!", "VALUE_MALFORMED"},
      {FieldType::URL, "https://example.com/a", "https://example.com/a"},
      {FieldType::URL, "javascript:alert(1)", "VALUE_MALFORMED"},
      {FieldType::IP_ADDRESS, "2001:db8::1", "2001:db8::1"},
      {FieldType::IP_ADDRESS, "300.1.1.1", "VALUE_MALFORMED"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Check(c.type, c.in), c.out)
        << FieldType::Value_Name(c.type) << " " << c.in;
  }
}

TEST_F(ValueCheckTest, ValueOfAnotherKindIsMalformed) {
  v1::Value number;
  number.set_int_value(5);
  EXPECT_EQ(CheckIn(FieldType::STRING, number), "VALUE_MALFORMED");
  EXPECT_EQ(CheckIn(FieldType::DATE, number), "VALUE_MALFORMED");
  EXPECT_EQ(CheckIn(FieldType::DOUBLE, number), "5.000000");
  EXPECT_EQ(CheckIn(FieldType::INT, v1::Value()), "NO_VALUE");
}

TEST_F(ValueCheckTest, BoundsHold) {
  config::v1::Validation rule;
  rule.set_min(1);
  rule.set_max(10);
  EXPECT_EQ(Check(FieldType::INT, "10", rule), "10");
  EXPECT_EQ(Check(FieldType::INT, "11", rule), "VALUE_OUT_OF_RANGE");
  EXPECT_EQ(Check(FieldType::INT, "0", rule), "VALUE_OUT_OF_RANGE");
  EXPECT_EQ(Check(FieldType::MONEY, "10.00 EUR", rule), "1000 EUR");
  EXPECT_EQ(Check(FieldType::MONEY, "10.01 EUR", rule), "VALUE_OUT_OF_RANGE");
  config::v1::Validation length;
  length.set_max_length(3);
  EXPECT_EQ(Check(FieldType::STRING, "äöü", length), "äöü");
  EXPECT_EQ(Check(FieldType::STRING, "äöüß", length), "VALUE_OUT_OF_RANGE");
  config::v1::Validation pattern;
  pattern.set_pattern("[A-Z]+");
  EXPECT_EQ(Check(FieldType::STRING, "ABC", pattern), "ABC");
  EXPECT_EQ(Check(FieldType::STRING, "ABCd", pattern), "VALUE_MALFORMED");
}

TEST(CatalogIndexTest, WrongCatalogsAreRefused) {
  config::v1::Catalog twice;
  twice.add_kinds()->set_key("k");
  twice.add_kinds()->set_key("k");
  EXPECT_FALSE(CatalogIndex::Build(twice).ok());
  config::v1::Catalog pattern;
  config::v1::Field* field = pattern.add_kinds()->add_fields();
  field->set_key("f");
  field->mutable_validation()->set_pattern("(");
  EXPECT_FALSE(CatalogIndex::Build(pattern).ok());
  config::v1::Catalog context;
  context.add_kinds()->set_opened_field("nowhere");
  EXPECT_FALSE(CatalogIndex::Build(context).ok());
}

TEST(DigestTest, TextsAreFoldedAndNothingElseIs) {
  EXPECT_EQ(FoldText("  Jürgen   MÜLLER "), "jürgen müller");
  EXPECT_EQ(FoldText("ΆΝΝΑ"), "άννα");
  EXPECT_EQ(FoldText("\xff broken"), "\xff broken");
  const std::string key(16, 'k');
  const auto digest = [&](uint32_t field, const std::string& text) {
    v1::Value value;
    value.set_string_value(text);
    return ValueDigest(key, field, value);
  };
  EXPECT_EQ(digest(1, "Anna"), digest(1, " ANNA "));
  EXPECT_NE(digest(1, "Anna"), digest(1, "Anne"));
  EXPECT_NE(digest(1, "Anna"), digest(2, "Anna"));
  v1::Value number;
  number.set_int_value(1);
  v1::Value text;
  text.set_string_value("1");
  EXPECT_NE(ValueDigest(key, 1, number), ValueDigest(key, 1, text));
}

TEST(DigestTest, PartsDoNotRunTogether) {
  const std::string key(16, 'k');
  Digester a(key);
  a.AddText("ab");
  a.AddText("c");
  Digester b(key);
  b.AddText("a");
  b.AddText("bc");
  EXPECT_NE(a.Short(), b.Short());
}

}  // namespace
}  // namespace consentry::vault
