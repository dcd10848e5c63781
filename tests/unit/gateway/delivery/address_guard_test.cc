#include "gateway/delivery/address_guard.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

#include "tests/testing/status_matchers.h"

namespace consentry::delivery {
namespace {

bool Allows(const AddressGuard& guard, const std::string& text) {
  sockaddr_storage storage{};
  if (text.find(':') == std::string::npos) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    EXPECT_EQ(inet_pton(AF_INET, text.c_str(), &v4.sin_addr), 1) << text;
    std::memcpy(&storage, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr), 1) << text;
    std::memcpy(&storage, &v6, sizeof v6);
  }
  // What libcurl hands over lies in a structure of its own.
  return guard.Allows(reinterpret_cast<const sockaddr&>(storage));
}

TEST(AddressGuardTest, NothingThatIsNotPublicIsReached) {
  const AddressGuard guard({});
  for (const char* text : {"0.0.0.0",
                           "0.1.2.3",
                           "10.0.0.1",
                           "10.255.255.255",
                           "100.64.0.1",
                           "127.0.0.1",
                           "127.255.255.254",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.0.2.1",
                           "192.168.1.1",
                           "198.18.0.1",
                           "198.51.100.7",
                           "203.0.113.9",
                           "224.0.0.1",
                           "239.1.1.1",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "::ffff:169.254.169.254",
                           "::127.0.0.1",
                           "64:ff9b::7f00:1",
                           "64:ff9b::a00:1",
                           "64:ff9b:1::1",
                           "2002:7f00:1::1",
                           "2002:a00:1::",
                           "fc00::1",
                           "fd12:3456::1",
                           "fe80::1",
                           "fec0::1",
                           "ff02::1",
                           "2001:db8::1",
                           "2001::1",
                           "100::1"}) {
    EXPECT_FALSE(Allows(guard, text)) << text;
  }
  for (const char* text :
       {"1.1.1.1", "8.8.8.8", "100.128.0.1", "172.15.255.255", "172.32.0.1",
        "192.167.255.255", "223.255.255.255", "2606:4700::1111",
        "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
        "2002:808:808::1"}) {
    EXPECT_TRUE(Allows(guard, text)) << text;
  }
}

TEST(AddressGuardTest, WhatIsAllowedIsReachedAndItsNeighboursAreNot) {
  const AddressGuard guard(
      {*ParseNetwork("127.0.0.0/8"), *ParseNetwork("10.1.2.0/24"),
       *ParseNetwork("fd00:1::/32"), *ParseNetwork("192.168.1.7")});
  for (const char* text : {"127.0.0.1", "::ffff:127.0.0.1", "10.1.2.0",
                           "10.1.2.255", "fd00:1:ffff::1", "192.168.1.7"}) {
    EXPECT_TRUE(Allows(guard, text)) << text;
  }
  for (const char* text : {"10.1.3.0", "10.1.1.255", "fd00:2::1", "::1",
                           "192.168.1.6", "192.168.1.8"}) {
    EXPECT_FALSE(Allows(guard, text)) << text;
  }
}

TEST(AddressGuardTest, ASocketOfAnotherKindIsRefused) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(
      AddressGuard({}).Allows(reinterpret_cast<const sockaddr&>(storage)));
}

TEST(AddressGuardTest, MalformedNetworksAreRefused) {
  for (const char* text :
       {"", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/-1", "10.0.0.0/", "10/8",
        "fd00::1/8", "fd00::/129", "shop.example", "10.0.0.0/8x"}) {
    EXPECT_FALSE(ParseNetwork(text).ok()) << text;
  }
  EXPECT_OK(ParseNetwork("0.0.0.0/0"));
  EXPECT_OK(ParseNetwork("::/0"));
}

}  // namespace
}  // namespace consentry::delivery
