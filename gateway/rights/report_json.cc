#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <memory>

#include <set>

#include "absl/strings/str_cat.h"
#include "gateway/clients/configuration.h"
#include "gateway/rights/report_formats.h"
#include "proto/support/error.h"

namespace consentry::rights {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

std::string ScalarSchema(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return R"({"type":"boolean"})";
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_UINT32:
      return R"({"type":"integer"})";
    // Larger than what JavaScript counts exactly: text, as protobuf writes it.
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT64:
      return R"({"type":"string","pattern":"^[0-9]+$"})";
    case FieldDescriptor::CPPTYPE_DOUBLE:
    case FieldDescriptor::CPPTYPE_FLOAT:
      return R"({"type":"number"})";
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return absl::StrCat(R"({"$ref":"#/$defs/)", field.message_type()->name(),
                          R"("})");
    default:
      return R"({"type":"string"})";
  }
}

std::string FieldSchema(const FieldDescriptor& field) {
  if (field.is_map()) {
    return absl::StrCat(R"({"type":"object","additionalProperties":)",
                        ScalarSchema(*field.message_type()->map_value()), "}");
  }
  if (field.is_repeated()) {
    return absl::StrCat(R"({"type":"array","items":)", ScalarSchema(field),
                        "}");
  }
  return ScalarSchema(field);
}

std::string ObjectSchema(const Descriptor& message) {
  std::string properties;
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    absl::StrAppend(&properties, i == 0 ? "" : ",", "\"", field.name(),
                    "\":", FieldSchema(field));
  }
  return absl::StrCat(R"({"type":"object","additionalProperties":false,)",
                      R"("properties":{)", properties, "}}");
}

void Collect(const Descriptor& message, std::set<std::string>* seen,
             std::string* definitions) {
  for (int i = 0; i < message.field_count(); ++i) {
    const FieldDescriptor& field = *message.field(i);
    if (field.is_map() ||
        field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      continue;
    }
    const Descriptor& inner = *field.message_type();
    if (!seen->insert(inner.name()).second) continue;
    absl::StrAppend(definitions, definitions->empty() ? "" : ",", "\"",
                    inner.name(), "\":", ObjectSchema(inner));
    Collect(inner, seen, definitions);
  }
}

}  // namespace

std::string JsonSchemaOf(const Descriptor& message) {
  std::set<std::string> seen;
  std::string definitions;
  Collect(message, &seen, &definitions);
  std::string schema = ObjectSchema(message);
  schema.pop_back();
  return absl::StrCat(
      R"({"$schema":"https://json-schema.org/draft/2020-12/schema",)",
      schema.substr(1), R"(,"$defs":{)", definitions, "}}");
}

absl::StatusOr<std::string> ReportJson(const store::v1::AccessReport& report) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  // From bytes in which maps have an order: a download that goes on has to find
  // the same text again.
  const std::unique_ptr<google::protobuf::util::TypeResolver> types(
      google::protobuf::util::NewTypeResolverForDescriptorPool(
          "types", report.GetDescriptor()->file()->pool()));
  std::string json;
  if (!google::protobuf::util::BinaryToJsonString(
           types.get(), "types/" + report.GetDescriptor()->full_name(),
           clients::CanonicalBytes(report), &json, options)
           .ok()) {
    return MakeError(v1::ERROR_REASON_INTERNAL,
                     "a report could not be written as JSON");
  }
  return absl::StrCat("{\"schema\":", JsonSchemaOf(*report.GetDescriptor()),
                      ",\n\"report\":", json, "}\n");
}

}  // namespace consentry::rights
