// Any value of any catalogued type, reduced in every way: what is refused is
// not released, what is released is less than what was held and well formed.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include "gateway/access/transform.h"
#include "gateway/vault/catalog_index.h"
#include "gateway/vault/value_check.h"
#include "proto/support/utf8.h"
#include "tests/fuzz/input.h"

using namespace consentry;
using config::v1::FieldType;
using fuzz::Input;
using fuzz::Require;

namespace {

std::shared_ptr<const vault::CatalogIndex> Catalog() {
  config::v1::Catalog catalog;
  config::v1::RecordKind* kind = catalog.add_kinds();
  kind->set_key("k");
  for (int type = FieldType::Value_MIN + 1; type <= FieldType::Value_MAX;
       ++type) {
    config::v1::Field* field = kind->add_fields();
    field->set_key("f" + std::to_string(type));
    field->set_type(static_cast<FieldType::Value>(type));
    field->set_retention_months(1);
  }
  catalog.add_sources()->set_key("s");
  return vault::CatalogIndex::Build(std::move(catalog)).value();
}

v1::Value Make(Input* input) {
  v1::Value value;
  switch (input->Below(7)) {
    case 0:
      value.set_int_value(static_cast<int64_t>(input->Number()));
      break;
    case 1: {
      const uint64_t bits = input->Number();
      double number = 0;
      std::memcpy(&number, &bits, sizeof(number));
      value.set_double_value(number);
      break;
    }
    case 2:
      value.set_bool_value(input->Flag());
      break;
    case 3:
      value.set_date_value(std::string(input->Rest()));
      break;
    case 4:
      value.mutable_time_value()->set_seconds(
          static_cast<int64_t>(input->Number()));
      value.mutable_time_value()->set_nanos(
          static_cast<int32_t>(input->Number()));
      break;
    case 5:
      value.mutable_money_value()->set_minor_units(
          static_cast<int64_t>(input->Number()));
      value.mutable_money_value()->set_currency(std::string(input->Rest()));
      break;
    default:
      value.set_string_value(std::string(input->Rest()));
  }
  return value;
}

size_t CodePoints(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(),
      [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string Without(std::string text, std::string_view part) {
  return text.erase(text.find(part), part.size());
}

void CheckReduced(v1::Transform transform, const v1::Value& value,
                  const v1::Value& reduced,
                  const access::TransformContext& context) {
  const std::string& text = reduced.string_value();
  Require(IsUtf8(text) && std::isfinite(reduced.double_value()));
  switch (transform) {
    case v1::TRANSFORM_YEAR:
      Require(reduced.has_int_value() && reduced.int_value() >= 1 &&
              reduced.int_value() <= 9999);
      break;
    case v1::TRANSFORM_AGE_BAND:
      Require(!text.empty() && text.size() <= 5);
      break;
    case v1::TRANSFORM_MONTH:
      Require(text.size() == 7);
      break;
    case v1::TRANSFORM_POSTAL_PREFIX:
    case v1::TRANSFORM_COUNTRY:
      Require(text.size() == 2);
      break;
    case v1::TRANSFORM_REGION:
      Require(text == value.string_value());
      break;
    case v1::TRANSFORM_MASK:
      Require(text.find("***") != std::string::npos);
      Require(CodePoints(text) <= CodePoints(value.string_value()) + 2 &&
              Without(text, "***") != value.string_value());
      break;
    case v1::TRANSFORM_PSEUDONYM:
      Require(text == "token");
      break;
    case v1::TRANSFORM_ROUND: {
      // Rounding once is rounding for good.
      const auto again = access::ApplyTransform(transform, reduced, context);
      Require(again &&
              again->SerializeAsString() == reduced.SerializeAsString());
      break;
    }
    default:
      Require(transform == v1::TRANSFORM_NONE &&
              reduced.SerializeAsString() == value.SerializeAsString());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto catalog = Catalog();
  Input input(data, size);
  const int type = FieldType::Value_MIN + 1 +
                   input.Below(FieldType::Value_MAX - FieldType::Value_MIN);
  access::TransformContext context;
  context.now_us = 1'795'000'000'000'000;
  context.pseudonym = [](std::string_view) { return std::string("token"); };
  const auto& fields = catalog->FindKind("k")->fields;
  const vault::FieldSpec& spec =
      fields.find("f" + std::to_string(type))->second;
  v1::Value value;
  if (vault::CheckValue(spec, Make(&input), "DE", &value) !=
      v1::ERROR_REASON_UNSPECIFIED) {
    return 0;
  }
  for (int i = v1::Transform_MIN - 1; i <= v1::Transform_MAX + 1; ++i) {
    const auto transform = static_cast<v1::Transform>(i);
    const auto reduced = access::ApplyTransform(transform, value, context);
    if (reduced) CheckReduced(transform, value, *reduced, context);
  }
  return 0;
}
