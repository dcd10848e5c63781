// The engine's own file: key, encryption, provider, permissions.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <span>
#include <sstream>
#include <string>
#include <utility>

#include "gateway/store/sqlcipher/engine.h"
#include "gateway/store/sqlcipher/provider.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::store {
namespace {

using testing::StatusIs;

constexpr char kCanary[] = "canary-7f3a-never-in-clear";

std::string Slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class SqlcipherTest : public ::testing::Test {
 protected:
  using Key = crypto::SecretBytes<32>;
  static Key MakeKey(uint8_t first) {
    uint8_t bytes[32] = {first};
    return Key::CopyOf(std::span<const uint8_t, 32>(bytes));
  }
  absl::StatusOr<std::unique_ptr<Engine>> Open(uint8_t key,
                                               bool create = true) {
    return OpenSqlcipher({.path = path_, .create = create},
                         MakeKey(key).view());
  }
  // A store with one row of canaries, closed.
  void Fill() {
    ASSERT_OK_AND_ASSIGN(auto engine, Open(1));
    ASSERT_OK_AND_ASSIGN(auto writer, engine->ConnectWriter());
    ASSERT_OK(
        writer->Execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)"));
    ASSERT_OK_AND_ASSIGN(Query put,
                         writer->Prepare("INSERT INTO t VALUES ($1, $2)"));
    for (int i = 0; i < 100; ++i) {
      ASSERT_OK(put.Bind(i, kCanary).Run());
      put.Reset();
    }
  }
  int CountRows(Engine* engine) {
    auto reader = engine->ConnectReader();
    if (!reader.ok()) return -1;
    auto query = (*reader)->Prepare("SELECT count(*) FROM t WHERE v = $1");
    if (!query.ok()) return -2;
    auto row = query->Bind(kCanary).Step();
    return row.ok() && *row ? static_cast<int>(query->Int64(0)) : -3;
  }

  testing::TempDir dir_;
  std::string path_ = dir_.File("store");
};

TEST_F(SqlcipherTest, WrongKeyIsUnauthenticatedAndSpoilsNothing) {
  Fill();
  EXPECT_THAT(Open(2), StatusIs(absl::StatusCode::kUnauthenticated));
  ASSERT_OK_AND_ASSIGN(auto engine, Open(1));
  EXPECT_EQ(CountRows(engine.get()), 100);
}

TEST_F(SqlcipherTest, PlainFileIsUnauthenticated) {
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_THAT(Open(1), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(SqlcipherTest, AbsentFileIsNotFoundUnlessItIsToBeMade) {
  EXPECT_THAT(Open(1, false), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqlcipherTest, NoFileHoldsTextInClearNorALibraryHeader) {
  ASSERT_OK_AND_ASSIGN(auto engine, Open(1));
  ASSERT_OK_AND_ASSIGN(auto writer, engine->ConnectWriter());
  ASSERT_OK(writer->Execute("CREATE TABLE t (v BLOB)"));
  ASSERT_OK_AND_ASSIGN(Query put, writer->Prepare("INSERT INTO t VALUES ($1)"));
  ASSERT_OK(put.Bind(kCanary).Run());
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    const std::string bytes = Slurp(entry.path());
    EXPECT_EQ(bytes.find(kCanary), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find("CREATE TABLE"), std::string::npos) << entry.path();
    EXPECT_EQ(bytes.find("SQLite format"), std::string::npos) << entry.path();
    ++files;
  }
  EXPECT_EQ(files, 3) << "store, write-ahead log and its index";
}

TEST_F(SqlcipherTest, FilesAreTheOwnersAlone) {
  ASSERT_OK_AND_ASSIGN(auto engine, Open(1));
  ASSERT_OK_AND_ASSIGN(auto writer, engine->ConnectWriter());
  ASSERT_OK(writer->Execute("CREATE TABLE t (v BLOB)"));
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    struct stat info;
    ASSERT_EQ(stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
  }
}

TEST_F(SqlcipherTest, FlippedByteIsDataLoss) {
  Fill();
  const auto size = std::filesystem::file_size(path_);
  ASSERT_GE(size, 2 * 4096u);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 + 100);
  const char c = static_cast<char>(file.peek() ^ 1);
  file.seekp(4096 + 100);
  file.put(c);
  file.close();
  ASSERT_OK_AND_ASSIGN(auto engine, Open(1));
  ASSERT_OK_AND_ASSIGN(auto reader, engine->ConnectReader());
  ASSERT_OK_AND_ASSIGN(Query query, reader->Prepare("SELECT sum(k) FROM t"));
  EXPECT_THAT(query.Step(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SqlcipherTest, SettingsHoldOnEveryConnection) {
  ASSERT_OK_AND_ASSIGN(auto engine, Open(1));
  const std::pair<const char*, int64_t> expected[] = {
      {"PRAGMA synchronous", 2},  {"PRAGMA secure_delete", 1},
      {"PRAGMA temp_store", 2},   {"PRAGMA trusted_schema", 0},
      {"PRAGMA page_size", 4096}, {"PRAGMA cipher_use_hmac", 1}};
  for (const bool reader : {false, true}) {
    ASSERT_OK_AND_ASSIGN(auto connection, reader ? engine->ConnectReader()
                                                 : engine->ConnectWriter());
    for (const auto& [pragma, value] : expected) {
      ASSERT_OK_AND_ASSIGN(Query query, connection->Prepare(pragma));
      ASSERT_OK_AND_ASSIGN(const bool row, query.Step());
      ASSERT_TRUE(row) << pragma;
      EXPECT_EQ(std::to_string(value), query.TextAt(0)) << pragma;
    }
    for (const auto& [pragma, text] :
         {std::pair("PRAGMA cipher_hmac_algorithm", "HMAC_SHA256"),
          std::pair("PRAGMA cipher_provider", "consentry"),
          std::pair("PRAGMA journal_mode", "wal")}) {
      ASSERT_OK_AND_ASSIGN(Query query, connection->Prepare(pragma));
      ASSERT_OK_AND_ASSIGN(const bool row, query.Step());
      ASSERT_TRUE(row) << pragma;
      EXPECT_EQ(query.TextAt(0), text);
    }
  }
}

// Both providers must write the same file format.
class ProviderTest : public SqlcipherTest {
 protected:
  ~ProviderTest() override { UseOwnCipherProviderForTest(); }
  void ExpectProvider(Engine* engine, std::string_view name) {
    ASSERT_OK_AND_ASSIGN(auto reader, engine->ConnectReader());
    ASSERT_OK_AND_ASSIGN(Query query,
                         reader->Prepare("PRAGMA cipher_provider"));
    ASSERT_OK_AND_ASSIGN(const bool row, query.Step());
    ASSERT_TRUE(row);
    EXPECT_EQ(query.TextAt(0), name);
  }
};

TEST_F(ProviderTest, StockProviderReadsWhatOursWrote) {
  Fill();
  UseStockCipherProviderForTest();
  ASSERT_OK_AND_ASSIGN(auto engine, Open(1));
  ExpectProvider(engine.get(), "openssl");
  EXPECT_EQ(CountRows(engine.get()), 100);
  EXPECT_THAT(Open(2), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(ProviderTest, OursReadsWhatTheStockProviderWrote) {
  ASSERT_OK(InstallCipherProvider());
  UseStockCipherProviderForTest();
  Fill();
  UseOwnCipherProviderForTest();
  ASSERT_OK_AND_ASSIGN(auto engine, Open(1));
  ExpectProvider(engine.get(), "consentry");
  EXPECT_EQ(CountRows(engine.get()), 100);
  EXPECT_THAT(Open(2), StatusIs(absl::StatusCode::kUnauthenticated));
}

TEST_F(ProviderTest, BothServeTheSameFileAtOnce) {
  Fill();
  ASSERT_OK_AND_ASSIGN(auto ours, Open(1));
  ASSERT_OK_AND_ASSIGN(auto our_writer, ours->ConnectWriter());
  UseStockCipherProviderForTest();
  ASSERT_OK_AND_ASSIGN(auto stock, Open(1));
  ASSERT_OK_AND_ASSIGN(auto stock_writer, stock->ConnectWriter());
  for (int i = 0; i < 20; ++i) {
    Connection* writer = i % 2 == 0 ? our_writer.get() : stock_writer.get();
    ASSERT_OK_AND_ASSIGN(Query put,
                         writer->Prepare("INSERT INTO t VALUES ($1, $2)"));
    ASSERT_OK(put.Bind(1000 + i, kCanary).Run());
  }
  EXPECT_EQ(CountRows(stock.get()), 120);
  UseOwnCipherProviderForTest();
  EXPECT_EQ(CountRows(ours.get()), 120);
}

}  // namespace
}  // namespace consentry::store
