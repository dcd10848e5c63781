#include "gateway/crypto/certificates.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;

// A whole second, since certificates hold no less.
int64_t NowUs() { return static_cast<int64_t>(std::time(nullptr)) * 1'000'000; }

class CertificatesTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, std::string_view content) {
    const std::string path = dir_.File(name);
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }
  std::string WriteKey(const std::string& name, const SecretBuffer& key) {
    return Write(name, {reinterpret_cast<const char*>(key.data()), key.size()});
  }
  static bool HaveOpenssl() {
    return std::system("openssl version >/dev/null 2>&1") == 0;
  }
  // The exit code of the openssl program.
  static int Openssl(const std::string& arguments) {
    return std::system(("openssl " + arguments + " >/dev/null 2>&1").c_str());
  }
  static std::unique_ptr<CertificateAuthority> NewAuthority() {
    return CertificateAuthority::Generate("Test authority", NowUs() - kDayUs)
        .value();
  }

  testing::TempDir dir_;
};

TEST_F(CertificatesTest, OpensslVerifiesWhatWasIssued) {
  if (!HaveOpenssl()) GTEST_SKIP() << "no openssl program";
  const auto authority = NewAuthority();
  ASSERT_OK_AND_ASSIGN(
      const IssuedCertificate server,
      authority->IssueServer({"gateway.shop.example", "192.0.2.7"}, NowUs(),
                             NowUs() + kDayUs));
  ASSERT_OK_AND_ASSIGN(
      const IssuedCertificate client,
      authority->IssueClient("crm", NowUs(), NowUs() + kDayUs));
  const std::string ca = Write("ca.pem", authority->certificate_pem());
  const std::string s = Write("server.pem", server.certificate_pem);
  const std::string c = Write("client.pem", client.certificate_pem);
  const std::string verify = "verify -x509_strict -CAfile " + ca + " ";
  EXPECT_EQ(Openssl(verify + "-purpose sslserver " + s), 0);
  EXPECT_EQ(Openssl(verify + "-purpose sslclient " + c), 0);
  EXPECT_NE(Openssl(verify + "-purpose sslclient " + s), 0);
  EXPECT_NE(Openssl(verify + "-purpose sslserver " + c), 0);
  for (const char* host : {"localhost", "gateway.shop.example"}) {
    EXPECT_EQ(Openssl(verify + "-verify_hostname " + host + " " + s), 0);
  }
  for (const char* ip : {"127.0.0.1", "::1", "192.0.2.7"}) {
    EXPECT_EQ(Openssl(verify + "-verify_ip " + ip + " " + s), 0);
  }
  EXPECT_NE(Openssl(verify + "-verify_hostname other.example " + s), 0);
  const std::string stranger =
      Write("stranger.pem", NewAuthority()->certificate_pem());
  EXPECT_NE(Openssl("verify -CAfile " + stranger + " " + c), 0);
}

TEST_F(CertificatesTest, ParsedIsWhatWasIssued) {
  const auto authority = NewAuthority();
  const int64_t from = NowUs();
  ASSERT_OK_AND_ASSIGN(const IssuedCertificate client,
                       authority->IssueClient("crm", from, from + kDayUs));
  ASSERT_OK_AND_ASSIGN(const CertificateInfo info,
                       ParseCertificate(client.certificate_pem));
  EXPECT_EQ(info.common_name, "crm");
  EXPECT_EQ(info.spki, client.spki);
  EXPECT_EQ(info.not_before_us, from);
  EXPECT_EQ(info.not_after_us, from + kDayUs);
  EXPECT_TRUE(info.for_client);
  EXPECT_FALSE(info.for_server);
  EXPECT_FALSE(info.is_authority);
  EXPECT_OK(CheckKeyMatches(client.certificate_pem, client.key_pem));

  ASSERT_OK_AND_ASSIGN(const IssuedCertificate server,
                       authority->IssueServer({}, from, from + kDayUs));
  ASSERT_OK_AND_ASSIGN(const CertificateInfo server_info,
                       ParseCertificate(server.certificate_pem));
  EXPECT_TRUE(server_info.for_server);
  EXPECT_FALSE(server_info.for_client);
  EXPECT_THAT(CheckKeyMatches(client.certificate_pem, server.key_pem),
              StatusIs(kInvalid));
  ASSERT_OK_AND_ASSIGN(const CertificateInfo authority_info,
                       ParseCertificate(authority->certificate_pem()));
  EXPECT_TRUE(authority_info.is_authority);
}

TEST_F(CertificatesTest, SpkiHashIsThatOfOpenssl) {
  if (!HaveOpenssl()) GTEST_SKIP() << "no openssl program";
  const auto authority = NewAuthority();
  ASSERT_OK_AND_ASSIGN(
      const IssuedCertificate client,
      authority->IssueClient("crm", NowUs(), NowUs() + kDayUs));
  const std::string pem = Write("client.pem", client.certificate_pem);
  FILE* pipe = popen(("openssl x509 -in " + pem +
                      " -pubkey -noout | openssl pkey -pubin -outform DER | "
                      "openssl dgst -sha256 -binary")
                         .c_str(),
                     "r");
  ASSERT_NE(pipe, nullptr);
  SpkiHash hash{};
  EXPECT_EQ(fread(hash.data(), 1, hash.size(), pipe), hash.size());
  pclose(pipe);
  EXPECT_EQ(client.spki, hash);
}

TEST_F(CertificatesTest, DatesAreChecked) {
  CertificateInfo info;
  info.not_before_us = 1'000'000'000;
  info.not_after_us = 2'000'000'000;
  EXPECT_THAT(CheckValidity(info, 999'999'999),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_OK(CheckValidity(info, 1'000'000'000));
  EXPECT_OK(CheckValidity(info, 2'000'999'999));
  EXPECT_THAT(CheckValidity(info, 2'001'000'000),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(CertificatesTest, RequestsOfOpensslGetACertificateForTheirKey) {
  if (!HaveOpenssl()) GTEST_SKIP() << "no openssl program";
  const auto authority = NewAuthority();
  const auto request = [&](const std::string& algorithm) {
    const std::string out = dir_.File("request.pem");
    EXPECT_EQ(Openssl("req -new -nodes -newkey " + algorithm + " -keyout " +
                      dir_.File("key.pem") + " -out " + out +
                      " -subj '/CN=ignored/O=ignored'"),
              0);
    std::ifstream in(out);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  for (const char* algorithm :
       {"ec -pkeyopt ec_paramgen_curve:P-256",
        "ec -pkeyopt ec_paramgen_curve:P-384", "ed25519", "rsa:2048"}) {
    ASSERT_OK_AND_ASSIGN(const IssuedCertificate issued,
                         authority->IssueClientFor(request(algorithm), "shop",
                                                   NowUs(), NowUs() + kDayUs));
    EXPECT_TRUE(issued.key_pem.empty());
    ASSERT_OK_AND_ASSIGN(const CertificateInfo info,
                         ParseCertificate(issued.certificate_pem));
    EXPECT_EQ(info.common_name, "shop");
    EXPECT_EQ(info.spki, issued.spki);
    EXPECT_EQ(Openssl("verify -purpose sslclient -CAfile " +
                      Write("ca.pem", authority->certificate_pem()) + " " +
                      Write("issued.pem", issued.certificate_pem)),
              0);
  }
  for (const char* algorithm :
       {"rsa:1024", "ec -pkeyopt ec_paramgen_curve:secp256k1"}) {
    EXPECT_THAT(authority->IssueClientFor(request(algorithm), "shop", NowUs(),
                                          NowUs() + kDayUs),
                StatusIs(kInvalid))
        << algorithm;
  }
  // A request whose signature was changed.
  std::string changed = request("ed25519");
  const size_t end = changed.find("-----END");
  changed[end - 10] = changed[end - 10] == 'A' ? 'B' : 'A';
  EXPECT_THAT(
      authority->IssueClientFor(changed, "shop", NowUs(), NowUs() + kDayUs),
      StatusIs(kInvalid));
}

TEST_F(CertificatesTest, SavedAuthorityIsPrivateAndIssuesAgain) {
  const auto authority = NewAuthority();
  const std::string pem = dir_.File("ca.pem");
  const std::string key = dir_.File("ca.key");
  ASSERT_OK(authority->Save(pem, key));
  struct stat info {};
  ASSERT_EQ(stat(key.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_THAT(authority->Save(pem, key),
              StatusIs(absl::StatusCode::kAlreadyExists));
  ASSERT_OK_AND_ASSIGN(const auto loaded,
                       CertificateAuthority::LoadFiles(pem, key));
  EXPECT_EQ(loaded->certificate_pem(), authority->certificate_pem());
  EXPECT_OK(loaded->IssueClient("crm", NowUs(), NowUs() + kDayUs));
  ASSERT_EQ(chmod(key.c_str(), 0640), 0);
  EXPECT_THAT(CertificateAuthority::LoadFiles(pem, key),
              StatusIs(absl::StatusCode::kPermissionDenied));
}

TEST_F(CertificatesTest, LeafIsNoAuthorityAndKeysMustFit) {
  const auto authority = NewAuthority();
  ASSERT_OK_AND_ASSIGN(
      const IssuedCertificate leaf,
      authority->IssueClient("crm", NowUs(), NowUs() + kDayUs));
  EXPECT_THAT(CertificateAuthority::Load(leaf.certificate_pem, leaf.key_pem),
              StatusIs(kInvalid));
  EXPECT_THAT(
      CertificateAuthority::Load(authority->certificate_pem(), leaf.key_pem),
      StatusIs(kInvalid));
}

TEST_F(CertificatesTest, BadNamesAndDatesAreRefused) {
  const auto authority = NewAuthority();
  const int64_t now = NowUs();
  for (const std::string& name :
       {std::string(), std::string(65, 'a'), std::string("a,b"),
        std::string("a\nb"), std::string("a\0b", 3), std::string("\xc3\xa9")}) {
    EXPECT_THAT(authority->IssueClient(name, now, now + kDayUs),
                StatusIs(kInvalid));
  }
  for (const std::string& name :
       {std::string(), std::string("a b"), std::string("a,DNS:evil.example"),
        std::string("a\n"), std::string("-a"), std::string("a..b"),
        std::string("*"), std::string("*."), std::string("a.*.example"),
        std::string("1.2.3.4/8"), std::string(300, 'a'),
        std::string("a\0.example", 10)}) {
    EXPECT_THAT(authority->IssueServer({name}, now, now + kDayUs),
                StatusIs(kInvalid))
        << name;
  }
  EXPECT_THAT(authority->IssueServer(std::vector<std::string>(65, "a.example"),
                                     now, now + kDayUs),
              StatusIs(kInvalid));
  EXPECT_OK(authority->IssueServer({"*.shop.example", "2001:db8::1"}, now,
                                   now + kDayUs));
  EXPECT_THAT(authority->IssueClient("crm", now, now), StatusIs(kInvalid));
  EXPECT_THAT(authority->IssueClient("crm", -1, now), StatusIs(kInvalid));
  EXPECT_THAT(authority->IssueClient("crm", now, INT64_MAX),
              StatusIs(kInvalid));
}

TEST_F(CertificatesTest, WhatIsNoCertificateIsRefused) {
  const std::string good = NewAuthority()->certificate_pem();
  EXPECT_THAT(ParseCertificate(""), StatusIs(kInvalid));
  EXPECT_THAT(ParseCertificate("no certificate"), StatusIs(kInvalid));
  EXPECT_THAT(ParseCertificate(good.substr(0, good.size() / 2)),
              StatusIs(kInvalid));
  EXPECT_THAT(ParseCertificate(std::string(kMaxPemBytes + 1, '\n') + good),
              StatusIs(kInvalid));
  const std::string key =
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  EXPECT_THAT(ParseCertificate(key), StatusIs(kInvalid));
  // Text around it does no harm.
  EXPECT_OK(ParseCertificate("a comment\n" + good));
}

}  // namespace
}  // namespace consentry::crypto
