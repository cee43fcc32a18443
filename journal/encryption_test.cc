// Journals that are encrypted: what is written is read back with the key, and
// nothing of it without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "journal/cipher.h"
#include "journal/error.h"
#include "journal/folder.h"
#include "journal/journal_lock.h"
#include "journal/reader.h"
#include "journal/salvage.h"
#include "journal/testing/journal_fixture.h"

namespace journal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::unique_ptr<Cipher> NewCipher(std::string* hex = nullptr) {
  const std::string key = NewKeyHex();
  if (hex != nullptr) *hex = key;
  return Cipher::FromBytes(absl::HexStringToBytes(key)).value();
}

// Counts records and remembers where they lie; its state is long and readable.
class Places final : public Folder {
 public:
  uint32_t version() const override { return 1; }
  void Reset() override {
    count = folded = 0;
    places.clear();
  }
  absl::Status Restore(absl::string_view state) override {
    ++restores;
    folded = 0;
    return absl::SimpleAtoi(state.substr(kStateText.size()), &count)
               ? absl::OkStatus()
               : absl::InvalidArgumentError("not a state");
  }
  void Fold(const Record& record) override {
    ++count;
    ++folded;
    places[record.position] = std::string(record.body.substr(0, 20));
  }
  std::string Save() override { return absl::StrCat(kStateText, count); }

  static constexpr absl::string_view kStateText = "the state of the folder ";
  uint64_t count = 0;
  uint64_t folded = 0;
  int restores = 0;
  std::map<Position, std::string> places;
};

class EncryptionTest : public JournalFixture {
 protected:
  EncryptionTest() { options_.cipher = cipher_.get(); }

  // Enough for a state frame.
  void AppendUntilThereIsAState() {
    for (int i = 0; i < 80; ++i) Append(std::string(256 << 10, 'm'));
  }

  absl::Status ExamineWith(const Cipher* cipher, Folder* folder = nullptr) {
    ExamineOptions options;
    options.cipher = cipher;
    options.folder = folder;
    options.file_system = &fs_;
    return journal::Examine(directory_, options).status();
  }
  absl::Status OpenWith(const Cipher* cipher) {
    options_.cipher = cipher;
    const absl::Status status = TryOpen();
    options_.cipher = cipher_.get();
    return status;
  }
  absl::StatusOr<std::unique_ptr<Reader>> ReadWith(const Cipher* cipher) {
    return Reader::Open(directory_, {.cipher = cipher, .file_system = &fs_});
  }
  absl::Status SalvageWith(const Cipher* cipher) {
    return Salvage(directory_, "/copy", {.cipher = cipher, .file_system = &fs_})
        .status();
  }
  // What there is to read now.
  static BodyList ReadOn(Reader& reader) {
    BodyList bodies;
    for (;;) {
      const ReadResult next = reader.Next();
      EXPECT_NE(next.outcome, ReadOutcome::kDamaged) << next.finding.detail;
      if (next.outcome != ReadOutcome::kRecord) return bodies;
      EXPECT_EQ(reinterpret_cast<uintptr_t>(next.record.body.data()) % 8, 0);
      bodies.emplace_back(next.record.body);
    }
  }

  // All files' contents by name, but for the lock's.
  std::map<std::string, std::string> Disk() {
    std::map<std::string, std::string> files;
    for (const std::string& name : Files("")) {
      if (name == kLockFileName) continue;
      files[name] = disk_.Get(JoinPath(directory_, name));
    }
    return files;
  }

  std::string key_hex_;
  const std::unique_ptr<Cipher> cipher_ = NewCipher(&key_hex_);
  const std::unique_ptr<Cipher> other_ = NewCipher();
  const std::string id_ = KeyIdHex(cipher_->id());
};

TEST_F(EncryptionTest, WhatIsWrittenIsReadBack) {
  const std::string large(16 << 20, 'L');
  Open();
  EXPECT_EQ(writer_->recovery_report().key_id, id_);
  for (const std::string& body : {std::string(), std::string("a"), large}) {
    Append(body);
  }
  AppendSpan({"s1", "", std::string(1000, 's')});
  Close();
  Life({"another life"});
  const BodyList all = {
      "", "a", large, "s1", "", std::string(1000, 's'), "another life"};
  EXPECT_EQ(Bodies(), all);
  EXPECT_EQ(ReadOn(**ReadWith(cipher_.get())), all);
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kCleanEnd) << Text(report);
  EXPECT_EQ(report.key_id, id_);
}

TEST_F(EncryptionTest, AppendsThatNobodyWaitsForAreEncryptedToo) {
  Open();
  for (int i = 0; i < 200; ++i) {
    const std::string body = absl::StrCat("a secret ", i);
    const absl::Status queued = writer_->AppendAsync(
        {.type = 1, .body = body},
        [](const absl::StatusOr<Lsn>& lsn) { EXPECT_TRUE(lsn.ok()); });
    ASSERT_TRUE(queued.ok()) << queued;
  }
  Close();
  EXPECT_EQ(Bodies().size(), 200u);
  EXPECT_EQ(Bodies().back(), "a secret 199");
  EXPECT_FALSE(absl::StrContains(Bytes(1), "secret"));
}

TEST_F(EncryptionTest, EverySegmentNamesTheKey) {
  Life({"a"});
  Open();
  for (int i = 0; i < 40; ++i) Append(std::string(5000, 'r'));
  Kill();
  Life({"b"});
  uint64_t id = 1;
  for (; disk_.Has(PathOf(id)); ++id) {
    EXPECT_EQ(Header(id).key_id, cipher_->id());
    EXPECT_EQ(Header(id).required_features & kFeatureEncryption,
              kFeatureEncryption);
  }
  EXPECT_GT(id, 5u);
}

TEST_F(EncryptionTest, APlainJournalNamesNone) {
  options_.cipher = nullptr;
  Life({"a"});
  EXPECT_EQ(Header(1).required_features & kFeatureEncryption, 0u);
  EXPECT_EQ(Examine().key_id, "");
}

TEST_F(EncryptionTest, NoFileHoldsABodyAStateOrTheKey) {
  Places folder;
  options_.folder = &folder;
  options_.sync_mode = SyncMode::kNone;
  Open();
  Append("a secret body");
  AppendSpan({"a secret span", "a secret span"});
  AppendUntilThereIsAState();
  Append(absl::StrCat("a secret tail", std::string(2000, 't')));
  Kill();
  uint64_t newest = 1;
  while (disk_.Has(PathOf(newest + 1))) ++newest;
  const FramePlace tail = Frames(newest).back();
  ZeroBytes(newest, tail.end - 100, tail.end);
  Life({"a secret life"});
  EXPECT_EQ(TornBytes().size(), 1u);
  const std::string key = absl::HexStringToBytes(key_hex_);
  for (const auto& [name, bytes] : Disk()) {
    for (const absl::string_view secret :
         {absl::string_view("secret"), absl::string_view("mmmmmmmm"),
          Places::kStateText, absl::string_view(key).substr(0, 8),
          absl::string_view(key_hex_).substr(0, 8)}) {
      EXPECT_FALSE(absl::StrContains(bytes, secret)) << name << ": " << secret;
    }
  }
}

// ---------------------------------------------------------------------------
// Keys

TEST_F(EncryptionTest, VerifyingNeedsNoKey) {
  Open();
  Append("a");
  AppendSpan({"b", "c"});
  Close();
  Life({"d"});
  EXPECT_TRUE(ExamineWith(nullptr).ok());
  FlipBit(Frames(1)[1]);
  options_.cipher = nullptr;
  const RecoveryReport report = Examine();
  EXPECT_EQ(report.outcome, FindingKind::kAckedLoss);
  EXPECT_EQ(report.findings[0].first_lsn, 2);
  EXPECT_EQ(report.findings[0].last_lsn, 3);
  EXPECT_EQ(report.key_id, id_);
}

TEST_F(EncryptionTest, WithoutTheKeyNothingIsRead) {
  Life({"a"});
  const auto disk = Disk();
  Places folder;
  for (const absl::Status& status :
       {OpenWith(nullptr), ExamineWith(nullptr, &folder), SalvageWith(nullptr),
        ReadWith(nullptr).status()}) {
    EXPECT_EQ(KindOf(status), ErrorKind::kKey) << status;
    EXPECT_TRUE(absl::StrContains(
        status.message(),
        absl::StrCat("encrypted with key ", id_, ", and no key is given")))
        << status;
  }
  EXPECT_EQ(folder.folded, 0u);
  EXPECT_TRUE(Disk() == disk);
  EXPECT_FALSE(disk_.Has("/copy"));
}

TEST_F(EncryptionTest, AWrongKeyIsToldFromDamage) {
  Life({"a"});
  Open();
  Append("b");
  Kill();  // Space was prepared, a tail is unsealed: nothing of it changes.
  const auto disk = Disk();
  Places folder;
  for (const absl::Status& status :
       {OpenWith(other_.get()), ExamineWith(other_.get()),
        ExamineWith(other_.get(), &folder), SalvageWith(other_.get()),
        ReadWith(other_.get()).status()}) {
    EXPECT_EQ(KindOf(status), ErrorKind::kKey) << status;
    EXPECT_TRUE(absl::StrContains(
        status.message(),
        absl::StrCat("encrypted with key ", id_, ", the key given is ",
                     KeyIdHex(other_->id()))))
        << status;
  }
  EXPECT_TRUE(Disk() == disk);
  Life({"c"});
  EXPECT_THAT(Bodies(), ElementsAre("a", "b", "c"));
}

TEST_F(EncryptionTest, APlainJournalIsNotWrittenWithAKey) {
  options_.cipher = nullptr;
  Life({"a"});
  const auto disk = Disk();
  const absl::Status status = OpenWith(cipher_.get());
  EXPECT_EQ(KindOf(status), ErrorKind::kInvalidArgument) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "not encrypted")) << status;
  EXPECT_TRUE(Disk() == disk);
  // Reading does not need it.
  EXPECT_THAT(ReadOn(**ReadWith(cipher_.get())), ElementsAre("a"));
  options_.cipher = cipher_.get();
  EXPECT_THAT(Bodies(), ElementsAre("a"));
}

TEST_F(EncryptionTest, ASegmentOfAnotherKeyDoesNotBelong) {
  Life({"a"});
  Life({"b"});
  Life({"c"});
  for (const bool plain : {true, false}) {
    RewriteHeader(2, [&](SegmentHeader& header) {
      header.key_id = plain ? KeyId() : other_->id();
      header.required_features = plain ? 0 : kFeatureEncryption;
    });
    const RecoveryReport report = Examine();
    EXPECT_EQ(report.outcome, FindingKind::kSegmentChain) << Text(report);
    EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kDamage);
    EXPECT_THAT(Bodies(RecoveryMode::kSalvage), ElementsAre("a", "c"));
    const auto reader = ReadWith(cipher_.get());
    EXPECT_EQ((*reader)->Next().record.body, "a");
    EXPECT_EQ((*reader)->Next().outcome, ReadOutcome::kDamaged);
  }
}

// ---------------------------------------------------------------------------
// Sizes and places

TEST_F(EncryptionTest, TheBoundOfARecordIsTheCallersBytes) {
  options_.max_record_bytes = 100 << 10;
  Open();
  Append(std::string(100 << 10, 'x'));
  EXPECT_EQ(KindOf(TryAppend(std::string((100 << 10) + 1, 'x')).status()),
            ErrorKind::kInvalidArgument);
  Close();
  options_.max_record_bytes = kBodyBytesMax;
  EXPECT_EQ(KindOf(TryOpen()), ErrorKind::kInvalidArgument);
  options_.max_record_bytes = kBodyBytesMax - kCipherExtraBytes;
  Life({"b"});
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd);
}

TEST_F(EncryptionTest, ASpanIsBoundedByWhatIsStored) {
  options_.max_record_bytes = 128 << 20;
  Open();
  const BodyList halves(2, std::string((kSpanBytesMax / 2) - 48, 'h'));
  std::vector<RecordView> views(2);
  views[0].body = views[1].body = halves[0];
  EXPECT_EQ(KindOf(writer_->Append(absl::MakeConstSpan(views)).status()),
            ErrorKind::kInvalidArgument);
  views[0].body.remove_suffix(2 * kCipherExtraBytes);
  ASSERT_TRUE(writer_->Append(absl::MakeConstSpan(views)).ok());
  Close();
  EXPECT_EQ(Bodies().size(), 2u);
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

// Segments fill up at every size of the last record.
TEST_F(EncryptionTest, EveryRemainderOfASegmentIsRight) {
  options_.sync_mode = SyncMode::kNone;
  Open();
  BodyList all;
  for (size_t size = 0; size < 900; ++size) {
    all.push_back(std::string(size, static_cast<char>('a' + size % 26)));
    Append(all.back());
  }
  Close();
  EXPECT_EQ(Bodies(), all);
  EXPECT_EQ(Examine().outcome, FindingKind::kCleanEnd) << Text(Examine());
}

TEST_F(EncryptionTest, TheFolderIsToldWhereRecordsLie) {
  Places folder;
  options_.folder = &folder;
  Open();
  Append("");
  Append("a");
  AppendSpan({"b", std::string(17, 'c'), "d"});
  Sync();
  Append("e");
  const auto reader = ReadWith(cipher_.get());
  const auto appended = folder.places;
  EXPECT_EQ(appended.size(), 6u);
  for (const auto& [position, body] : appended) {
    const ReadResult there = (*reader)->ReadAt(position);
    ASSERT_EQ(there.outcome, ReadOutcome::kRecord) << there.finding.detail;
    EXPECT_EQ(there.record.body, body);
  }
  Close();
  Open();
  EXPECT_EQ(folder.places, appended);
}

TEST_F(EncryptionTest, OpeningStartsFromTheNewestState) {
  Places folder;
  options_.folder = &folder;
  options_.sync_mode = SyncMode::kNone;
  Open();
  AppendUntilThereIsAState();
  Close();
  folder = Places();
  Open();
  EXPECT_EQ(folder.restores, 1);
  EXPECT_EQ(folder.count, 80u);
  EXPECT_LT(folder.folded, 80u);
}

// ---------------------------------------------------------------------------
// Beside a writer, after a crash, out of damage

TEST_F(EncryptionTest, AReaderFollowsAcrossRotations) {
  Open();
  Append("a");
  const auto reader = ReadWith(cipher_.get());
  EXPECT_THAT(ReadOn(**reader), ElementsAre("a"));
  EXPECT_THAT(ReadOn(**reader), IsEmpty());
  for (int i = 0; i < 100; ++i) {
    const std::string body = absl::StrCat(i, std::string(3000, 'f'));
    Append(body);
    AppendSpan({"s", body});
    ASSERT_THAT(ReadOn(**reader), ElementsAre(body, "s", body));
  }
  Close();
  Life({"b"});
  EXPECT_THAT(ReadOn(**reader), ElementsAre("b"));
}

TEST_F(EncryptionTest, ATornTailIsCut) {
  Open();
  Append("kept");
  Sync();
  AppendSpan({"torn", std::string(2000, 't')});
  Kill();
  const FramePlace tail = Frames(1).back();
  ZeroBytes(1, tail.end - 100, tail.end);
  EXPECT_EQ(Examine().outcome, FindingKind::kTornTail);
  Life({"next"});
  EXPECT_THAT(Bodies(), ElementsAre("kept", "next"));
}

TEST_F(EncryptionTest, SalvageWritesAnEncryptedCopy) {
  Life({"a secret", "b", "c"});
  FlipBit(Frames(1)[1]);
  ASSERT_TRUE(SalvageWith(cipher_.get()).ok());
  const auto copy =
      Reader::Open("/copy", {.cipher = cipher_.get(), .file_system = &fs_});
  ASSERT_TRUE(copy.ok()) << copy.status();
  EXPECT_THAT(ReadOn(**copy), ElementsAre("a secret", "c"));
  EXPECT_EQ(KindOf(Reader::Open("/copy", {.file_system = &fs_}).status()),
            ErrorKind::kKey);
  EXPECT_FALSE(absl::StrContains(disk_.Get("/copy/0000000001.seg"), "secret"));
}

TEST_F(EncryptionTest, TheCopyOfAPlainJournalIsPlain) {
  options_.cipher = nullptr;
  Life({"a"});
  ASSERT_TRUE(SalvageWith(cipher_.get()).ok());
  EXPECT_TRUE(Reader::Open("/copy", {.file_system = &fs_}).ok());
}

}  // namespace
}  // namespace journal
