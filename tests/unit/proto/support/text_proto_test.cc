#include "proto/support/text_proto.h"

#include <gtest/gtest.h>

#include <string>

#include "consentry/config/v1/gateway.pb.h"
#include "consentry/v1/data_service.pb.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using config::v1::GatewayConfig;
using testing::StatusIs;

std::string Error(const std::string& text) {
  TextProto file("conf.txtpb");
  v1::WriteRecordRequest message;
  const absl::Status status = file.Parse(text, &message);
  EXPECT_EQ(message.ByteSizeLong(), 0u);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIG_INVALID);
  return std::string(status.message());
}

TEST(TextProtoTest, UnknownFieldIsNamedWithItsPlace) {
  EXPECT_THAT(Error("kind: 'order'\n  colour: 'red'\n"),
              ::testing::AllOf(::testing::HasSubstr("conf.txtpb:2:"),
                               ::testing::HasSubstr("colour")));
}

TEST(TextProtoTest, SyntaxErrorIsOneLineWithoutPeriod) {
  const std::string error = Error("kind: 'order\n'");
  EXPECT_EQ(error.find('\n'), std::string::npos);
  EXPECT_NE(error.back(), '.');
  EXPECT_EQ(error.rfind("conf.txtpb:1:", 0), 0u);
}

TEST(TextProtoTest, DuplicateMapKeyIsRefused) {
  EXPECT_THAT(Error("values { key: 'a' value { int_value: 1 } }\n"
                    "values { key: 'b' value { int_value: 1 } }\n"
                    "values { key: 'a' value { int_value: 2 } }\n"),
              ::testing::HasSubstr("conf.txtpb:3:1: values[2]: this key"));
}

TEST(TextProtoTest, EnumNumberWithoutNameIsRefused) {
  TextProto file("f");
  v1::ReadSubjectRequest message;
  EXPECT_THAT(
      std::string(file.Parse("purpose: 'p'\nchannel: 77", &message).message()),
      ::testing::HasSubstr("f:2:1: channel"));
  EXPECT_OK(file.Parse("channel: CHANNEL_WEB", &message));
}

TEST(TextProtoTest, AWordThatIsNoValueIsPlacedWhereItStands) {
  EXPECT_THAT(Error("kind: 'a'\nvalidate_only: maybe  # sure?\n\nsource: 'b'"),
              ::testing::HasSubstr("conf.txtpb:2:16: "));
  EXPECT_THAT(Error("validate_only: maybe"),
              ::testing::HasSubstr("conf.txtpb:1:16: "));
  TextProto file("f");
  v1::ReadSubjectRequest message;
  EXPECT_THAT(
      std::string(
          file.Parse("channel: NO_SUCH\n\npurpose: 'p'\n", &message).message()),
      ::testing::HasSubstr("f:1:10: "));
}

TEST(TextProtoTest, InvalidUtf8IsRefused) {
  EXPECT_THAT(Error("kind: 'a\\377'"), ::testing::HasSubstr("UTF-8"));
}

TEST(TextProtoTest, AllLenientFaultsAreToldAtOnce) {
  const std::string error =
      Error("kind: '\\377'\nsource: '\\377'\nsubjects { id: '\\377' }");
  EXPECT_THAT(error, ::testing::HasSubstr("kind"));
  EXPECT_THAT(error, ::testing::HasSubstr("source"));
  EXPECT_THAT(error, ::testing::HasSubstr("conf.txtpb:3:12: subjects[0].id"));
}

TEST(TextProtoTest, OverlongTextIsRefusedUnread) {
  EXPECT_THAT(Error(std::string(TextProto::kMaxBytes + 1, '#')),
              ::testing::HasSubstr("longer than"));
}

TEST(TextProtoTest, PlaceFallsBackToTheNearestWrittenPart) {
  TextProto file("c");
  GatewayConfig config;
  ASSERT_OK(
      file.Parse("format: 1\ncontroller {\n  home: 'DE'\n"
                 "  markets: 'DE'\n  markets: 'AT'\n}\n",
                 &config));
  EXPECT_EQ(file.Place("format"), "c:1:1");
  EXPECT_EQ(file.Place("controller.home"), "c:3:3");
  EXPECT_EQ(file.Place("controller.markets[1]"), "c:5:3");
  EXPECT_EQ(file.Place("controller.name"), "c:2:1");
  EXPECT_EQ(file.Place("tls.certificate"), "c");
  EXPECT_EQ(file.Place("no.such"), "c");
  EXPECT_EQ(file.Place(""), "c");
}

TEST(TextProtoTest, EmptyTextIsAnEmptyMessage) {
  TextProto file("c");
  GatewayConfig config;
  EXPECT_OK(file.Parse("# nothing\n", &config));
}

}  // namespace
}  // namespace consentry
