#include "gateway/delivery/webhook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/escaping.h"
#include "gateway/base/clock.h"
#include "gateway/clients/webhook_url.h"
#include "gateway/crypto/certificates.h"
#include "tests/testing/https_server.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::delivery {
namespace {

using ::testing::HasSubstr;
using testing::HttpsServer;
using testing::StatusIs;

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
constexpr int64_t kNowUs = int64_t{1'795'000'000} * 1'000'000;

crypto::RootKey Root() {
  return crypto::RootKey::FromBytes(
      crypto::SecretBytes<crypto::kKeyBytes>::Random().view());
}

WebhookEvent Event() {
  WebhookEvent event;
  event.id = "evt_mfrggzdfmztwq2lkmfrggzdf";
  event.event = "withdrawal";
  event.pseudonym = "psn_abc";
  event.targets = {"marketing.email", "x\"y\\z\n"};
  event.time_us = kNowUs;
  return event;
}

class WebhookTest : public ::testing::Test {
 protected:
  WebhookTest() : root_(Root()), signer_(root_) {
    const int64_t now_us = base::Clock::System()->NowUs();
    auto authority = crypto::CertificateAuthority::Generate("Test", now_us);
    EXPECT_OK(authority);
    auto issued =
        (*authority)->IssueServer({}, now_us - kDayUs, now_us + kDayUs);
    EXPECT_OK(issued);
    server_ = std::make_unique<HttpsServer>(
        issued->certificate_pem,
        std::string(reinterpret_cast<const char*>(issued->key_pem.data()),
                    issued->key_pem.size()));
    std::ofstream(dir_.File("ca.pem")) << (*authority)->certificate_pem();
  }

  WebhookPoster Poster(bool allow_loopback = true, long timeout_seconds = 5,
                       bool trusted = true) {
    WebhookPoster::Options options;
    if (trusted) options.authorities = dir_.File("ca.pem");
    if (allow_loopback) {
      options.allow_networks = {*ParseNetwork("127.0.0.0/8")};
    }
    options.timeout_seconds = timeout_seconds;
    options.stop = &stop_;
    return WebhookPoster(&signer_, options);
  }
  std::string Url(const std::string& host = "127.0.0.1") {
    return "https://" + host + ":" + std::to_string(server_->port()) + "/hook";
  }

  const testing::TempDir dir_;
  const crypto::RootKey root_;
  const WebhookSigner signer_;
  std::atomic<bool> stop_{false};
  std::unique_ptr<HttpsServer> server_;
};

TEST_F(WebhookTest, ARequestCarriesTheEventAndASignatureThatVerifies) {
  ASSERT_OK(Poster().Post(Url(), Event(), kNowUs));
  const auto received = server_->received();
  ASSERT_EQ(received.size(), 1u);
  EXPECT_EQ(received[0].body,
            "{\"event_id\":\"evt_mfrggzdfmztwq2lkmfrggzdf\",\"event\":"
            "\"withdrawal\",\"pseudonym\":\"psn_abc\",\"targets\":["
            "\"marketing.email\",\"x\\\"y\\\\z\\u000a\"],\"time\":"
            "\"2026-11-18T11:06:40.000000Z\"}");
  auto headers = received[0].headers;
  EXPECT_EQ(headers["webhook-id"], Event().id);
  EXPECT_EQ(headers["webhook-timestamp"], "1795000000");
  EXPECT_EQ(headers["content-type"], "application/json");
  EXPECT_EQ(headers["consentry-key-id"], signer_.key_id());
  ASSERT_EQ(headers["webhook-signature"].substr(0, 4), "v1a,");
  std::string signature;
  ASSERT_TRUE(
      absl::Base64Unescape(headers["webhook-signature"].substr(4), &signature));
  std::string key;
  ASSERT_TRUE(absl::Base64Unescape(signer_.PublicKey().substr(9), &key));
  ASSERT_EQ(key.size(), 32u);
  ASSERT_EQ(signature.size(), 64u);
  const auto verifies = [&](const std::string& text) {
    return crypto_sign_verify_detached(
               reinterpret_cast<const unsigned char*>(signature.data()),
               reinterpret_cast<const unsigned char*>(text.data()), text.size(),
               reinterpret_cast<const unsigned char*>(key.data())) == 0;
  };
  const std::string text = Event().id + ".1795000000." + received[0].body;
  EXPECT_TRUE(verifies(text));
  EXPECT_FALSE(verifies(text + " "));
  EXPECT_FALSE(verifies(Event().id + ".1795000001." + received[0].body));
}

TEST_F(WebhookTest, TheKeyFollowsFromTheRootKeyAlone) {
  EXPECT_EQ(WebhookSigner(root_).PublicKey(), signer_.PublicKey());
  EXPECT_NE(WebhookSigner(Root()).PublicKey(), signer_.PublicKey());
}

TEST_F(WebhookTest, AnswersThatAreNoYesAreTriedLater) {
  for (const auto manner :
       {HttpsServer::Manner::kFail, HttpsServer::Manner::kRedirect}) {
    server_->Behave(manner);
    EXPECT_THAT(Poster().Post(Url(), Event(), kNowUs),
                StatusIs(absl::StatusCode::kUnavailable));
  }
  // The redirect was not followed.
  EXPECT_EQ(server_->received().size(), 2u);
}

TEST_F(WebhookTest, AnEndlessAnswerIsCut) {
  server_->Behave(HttpsServer::Manner::kHuge);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_OK(Poster().Post(Url(), Event(), kNowUs));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(4));
}

TEST_F(WebhookTest, ASilentReceiverCostsItsTimeOutAlone) {
  server_->Behave(HttpsServer::Manner::kSlow);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_THAT(Poster(true, 1).Post(Url(), Event(), kNowUs),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
}

TEST_F(WebhookTest, PrivateAddressesAreNotEvenConnectedTo) {
  for (const char* host : {"127.0.0.1", "localhost", "127.1.2.3"}) {
    EXPECT_THAT(
        Poster(/*allow_loopback=*/false).Post(Url(host), Event(), kNowUs),
        StatusIs(absl::StatusCode::kUnavailable))
        << host;
  }
  EXPECT_EQ(server_->connections(), 0);
}

TEST_F(WebhookTest, ACertificateOfSomebodyElseIsRefused) {
  EXPECT_THAT(Poster(true, 5, /*trusted=*/false).Post(Url(), Event(), kNowUs),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(server_->received().empty());
}

TEST(WebhookUrlTest, OnlyHttpsAndPlainLoopback) {
  using clients::IsWebhookUrl;
  for (const char* url :
       {"https://crm.example/hook", "https://crm.example:8443/hook?x=1",
        "https://203.0.113.7/", "https://[2001:db8::1]:9/x",
        "http://127.0.0.1:8080/hook", "http://localhost/", "http://[::1]:80/",
        "https://crm.example"}) {
    EXPECT_TRUE(IsWebhookUrl(url)) << url;
  }
  for (const char* url : {"",
                          "http://crm.example/",
                          "http://127.0.0.1.evil.example/",
                          "http://10.0.0.1/",
                          "ftp://crm.example/",
                          "file:///etc/passwd",
                          "gopher://127.0.0.1/",
                          "https://user@crm.example/",
                          "https://user:pw@crm.example/",
                          "https://crm.example/#x",
                          "https://crm.example/\r\nx: y",
                          "https://crm example/",
                          "https://crm.example:0/",
                          "https://crm.example:99999/",
                          "https://crm.example:/",
                          "https://",
                          "https:///x",
                          "https://[::1",
                          "https://[zz]/",
                          "https://-crm.example/",
                          "HTTPS://crm.example/",
                          "//crm.example/",
                          "https://crm.example\\@evil.example/"}) {
    EXPECT_FALSE(IsWebhookUrl(url)) << url;
  }
  EXPECT_FALSE(IsWebhookUrl("https://a.example/" + std::string(500, 'x')));
}

}  // namespace
}  // namespace consentry::delivery
