// A gateway whose certificates have all ended is brought back with nothing but
// its own folder.

#include "gateway/server/renew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "audit/io/file.h"
#include "gateway/crypto/certificates.h"
#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "gateway/server/initialise.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::StatusIs;

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;

class RenewTest : public ::testing::Test {
 protected:
  void SetUp() override {
    InitialiseOptions options;
    options.folder = Folder();
    options.home = "DE";
    options.host_names = {"gateway.shop.example", "192.0.2.7"};
    ASSERT_OK(Initialise(options));
    clock_.SetNowUs(base::Clock::System()->NowUs());
  }

  std::string Folder() const { return dir_.File("gateway"); }
  std::string File(const std::string& name) const {
    return Folder() + "/" + name;
  }

  absl::StatusOr<std::unique_ptr<Gateway>> Open() {
    const auto config = LoadConfig(Folder(), PackIds());
    if (!config.ok()) return config.status();
    return Gateway::Open(*config, {.clock = &clock_, .on_serving = nullptr});
  }

  absl::StatusOr<std::vector<Renewed>> Renew() {
    RenewOptions options;
    options.clock = &clock_;
    return RenewOwn(Folder(), options);
  }

  absl::StatusOr<crypto::CertificateInfo> Certificate(const std::string& name) {
    const auto pem =
        audit::ReadFile(audit::FileSystem::Posix(), File(name), 1 << 20);
    if (!pem.ok()) return pem.status();
    return crypto::ParseCertificate(*pem);
  }

  // Whether the holder of the certificate in the folder is let in now.
  absl::Status Authenticate(Gateway* gateway, const std::string& client) {
    const auto info = Certificate("clients/" + client + ".pem");
    if (!info.ok()) return info.status();
    return gateway->registry()
        ->Authenticate(info->spki, clock_.NowUs())
        .status();
  }

  testing::TempDir dir_;
  testing::ManualClock clock_;
};

TEST_F(RenewTest, WhatIsGoodForLongIsLeftAlone) {
  const auto renewed = Renew();
  ASSERT_OK(renewed);
  EXPECT_THAT(*renewed, IsEmpty());
}

TEST_F(RenewTest, AfterTheEndOfAllCertificatesItServesAgain) {
  clock_.AdvanceUs(400 * kDayUs);
  EXPECT_THAT(std::string(Open().status().message()),
              HasSubstr("consentry renew"));
  const auto renewed = Renew();
  ASSERT_OK(renewed);
  EXPECT_EQ(renewed->size(), 3u);
  const auto gateway = Open();
  ASSERT_OK(gateway);
  EXPECT_OK(Authenticate(gateway->get(), "operator"));
  EXPECT_OK(Authenticate(gateway->get(), "compliance"));
  const auto server = Certificate("tls/server.pem");
  ASSERT_OK(server);
  EXPECT_GT(server->not_after_us, clock_.NowUs() + 390 * kDayUs);
  EXPECT_TRUE(server->for_server);
  EXPECT_FALSE(std::filesystem::exists(File("tls/server.key.new")));
}

TEST_F(RenewTest, TheServersNamesAreKept) {
  clock_.AdvanceUs(400 * kDayUs);
  ASSERT_OK(Renew());
  const auto pem = audit::ReadFile(audit::FileSystem::Posix(),
                                   File("tls/server.pem"), 1 << 20);
  ASSERT_OK(pem);
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(
      BIO_new_mem_buf(pem->data(), static_cast<int>(pem->size())),
      BIO_free_all);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
  ASSERT_NE(certificate, nullptr);
  EXPECT_EQ(
      X509_check_host(certificate.get(), "gateway.shop.example", 0, 0, nullptr),
      1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "192.0.2.7", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0), 1);
}

TEST_F(RenewTest, ARenewalThatWasCutShortIsDoneByTheNext) {
  // The registry has the new key, the files still the old pair.
  for (const char* end : {".pem", ".key"}) {
    std::filesystem::copy_file(File(std::string("clients/operator") + end),
                               dir_.File(std::string("old") + end));
  }
  clock_.AdvanceUs(350 * kDayUs);
  ASSERT_OK(Renew());
  for (const char* end : {".pem", ".key"}) {
    std::filesystem::copy_file(
        dir_.File(std::string("old") + end),
        File(std::string("clients/operator") + end),
        std::filesystem::copy_options::overwrite_existing);
  }
  // A key without its certificate.
  std::filesystem::copy_file(dir_.File("old.key"), File("tls/server.key"),
                             std::filesystem::copy_options::overwrite_existing);
  const auto renewed = Renew();
  ASSERT_OK(renewed);
  EXPECT_EQ(renewed->size(), 2u);
  const auto gateway = Open();
  ASSERT_OK(gateway);
  EXPECT_OK(Authenticate(gateway->get(), "operator"));
}

TEST_F(RenewTest, NothingIsTouchedWhileTheGatewayRuns) {
  clock_.AdvanceUs(350 * kDayUs);
  const auto before = Certificate("tls/server.pem");
  ASSERT_OK(before);
  const auto gateway = Open();
  ASSERT_OK(gateway);
  EXPECT_THAT(Renew(), StatusIs(absl::StatusCode::kFailedPrecondition));
  const auto after = Certificate("tls/server.pem");
  ASSERT_OK(after);
  EXPECT_EQ(before->spki, after->spki);
}

// A PKCS #10 request for a new key.
std::string SigningRequest() {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(
      X509_REQ_new(), X509_REQ_free);
  X509_REQ_set_pubkey(request.get(), key.get());
  X509_REQ_sign(request.get(), key.get(), EVP_sha256());
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> bio(BIO_new(BIO_s_mem()),
                                                          BIO_free_all);
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

// Time does not go back behind the log, so a clock that was ahead once leaves
// registrations ended. Renewing must be a way out.
TEST_F(RenewTest, AfterAClockThatWasAheadARenewedRegistrationHolds) {
  clock_.AdvanceUs(200 * kDayUs);
  ASSERT_OK(Open());
  clock_.AdvanceUs(-200 * kDayUs);
  const auto gateway = Open();
  ASSERT_OK(gateway);
  const int64_t log_us = (*gateway)->committer()->NowUs();
  ASSERT_GT(log_us, clock_.NowUs() + 199 * kDayUs);

  v1::CreateClientRequest request;
  request.mutable_client()->set_id("shop");
  request.mutable_client()->set_role(v1::ROLE_SERVICE);
  request.mutable_client()->add_purposes("essential.service.operations");
  request.set_signing_request_pem(SigningRequest());
  std::promise<absl::StatusOr<v1::Client>> made;
  // As the gateway itself: nobody is there to approve.
  clients::CallerContext caller;
  (*gateway)->client_admin()->Create(
      caller, request, [&made](absl::StatusOr<v1::Client> client) {
        made.set_value(std::move(client));
      });
  const auto client = made.get_future().get();
  ASSERT_OK(client);
  const auto* registration =
      (*gateway)->registry()->current()->FindById("shop");
  ASSERT_NE(registration, nullptr);
  EXPECT_OK(registration->CheckState(log_us));
  EXPECT_OK(registration->CheckState(clock_.NowUs()));
}

}  // namespace
}  // namespace consentry::server
