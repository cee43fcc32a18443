// Every bit of a journal with snapshots flipped, every file cut at every length
// or gone, every sector zeroed, every two swapped: in segments, parts,
// manifests and tail. Nothing goes unseen, what is called lost is lost, and
// what is not is read.
//
// JOURNAL_MATRIX_STRIDE=n takes every nth place only; JOURNAL_MATRIX_KIB=64
// makes the journal that large. The defaults are for every day.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "journal/compactor.h"
#include "journal/testing/journal_fixture.h"
#include "journal/testing/setting.h"

namespace journal {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kDefaultStride = 199;
#else
constexpr uint64_t kDefaultStride = 23;
#endif
constexpr uint64_t kDefaultKib = 24;

using Records = std::map<Lsn, std::string>;

class SnapshotMatrixTest : public JournalFixture {
 protected:
  // Three snapshots, the log of the newest one, and a tail, closed.
  void SetUp() override {
    options_.file_system = &disk_;
    options_.snapshots.manifests_kept = 3;
    const uint64_t kib = Setting("JOURNAL_MATRIX_KIB", kDefaultKib, 1);
    Open();
    for (int snapshot = 0; snapshot < 3; ++snapshot) {
      // Blocks are closed at 256 KiB: sessions of their own make several.
      Fill(kib * 1024 / 6);
      ASSERT_TRUE(writer_->Snapshot().ok());
    }
    Fill(kib * 1024 / 6);
    Close();
    for (const std::string& name : Files("0000")) {
      whole_[name] = disk_.Get(JoinPath(directory_, name));
      bytes_ += whole_[name].size();
    }
    Found found = Look();
    ASSERT_EQ(found.report.outcome, FindingKind::kCleanEnd)
        << Text(found.report);
    records_ = std::move(found.records);
  }

  void TearDown() override {
    std::cout << "torture: " << tried_ << " damaged journals of "
              << bytes_ / 1024 << " KiB in " << whole_.size() << " files\n";
    JournalFixture::TearDown();
  }

  // Half of it noise, so that parts are about as large as segments.
  void Fill(uint64_t bytes) {
    for (uint64_t done = 0; done < bytes;) {
      std::string body = absl::StrCat("record ", ++count_, " ");
      body.resize(body.size() + noise_() % 900);
      for (size_t i = body.size() / 2; i < body.size(); ++i) {
        body[i] = static_cast<char>(noise_());
      }
      Append(body);
      done += FrameBytes(body.size());
    }
  }

  struct Found {
    RecoveryReport report;
    Records records;
  };
  Found Look() {
    Found found;
    ExamineOptions options;
    options.mode = RecoveryMode::kSalvage;
    options.file_system = &disk_;
    auto report =
        journal::Examine(directory_, options, [&](const Record& record) {
          found.records[record.lsn] = std::string(record.body);
        });
    EXPECT_TRUE(report.ok()) << report.status();
    if (report.ok()) found.report = *std::move(report);
    return found;
  }

  // After damage to one file: it is named, each lost record is named, and each
  // record that is named as lost is.
  void Check(const std::string& name, absl::string_view what) {
    ++tried_;
    const Found found = Look();
    SCOPED_TRACE(absl::StrCat(name, ": ", what, "\n", Text(found.report)));
    ASSERT_TRUE(found.report.damaged());
    ASSERT_TRUE(std::any_of(
        found.report.findings.begin(), found.report.findings.end(),
        [&](const Finding& finding) { return finding.file == name; }));
    for (const auto& [lsn, body] : found.records) {
      const auto in = records_.find(lsn);
      ASSERT_TRUE(in != records_.end() && in->second == body)
          << "LSN " << lsn << " was never written";
    }
    for (const auto& [lsn, body] : records_) {
      const bool lost = NamedLost(found.report, lsn);
      ASSERT_EQ(lost, found.records.count(lsn) == 0) << "LSN " << lsn;
    }
  }

  static bool NamedLost(const RecoveryReport& report, Lsn lsn) {
    return std::any_of(
        report.findings.begin(), report.findings.end(),
        [lsn](const Finding& finding) {
          return finding.kind > FindingKind::kNoRecordLost &&
                 finding.first_lsn != 0 && finding.first_lsn <= lsn &&
                 (finding.last_lsn == 0 || lsn <= finding.last_lsn);
        });
  }

  void Put(const std::string& name, absl::string_view bytes) {
    disk_.Put(JoinPath(directory_, name), bytes);
  }

  std::map<std::string, std::string> whole_;
  Records records_;
  uint64_t bytes_ = 0;
  uint64_t tried_ = 0;
  int count_ = 0;
  std::mt19937_64 noise_{4711};
  const uint64_t stride_ = Setting("JOURNAL_MATRIX_STRIDE", kDefaultStride, 1);
};

TEST_F(SnapshotMatrixTest, EveryFlippedBitIsSeenAndNamed) {
  uint64_t step = 0;
  for (const auto& [name, whole] : whole_) {
    for (uint64_t at = 0; at < whole.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        if (++step % stride_ != 0) continue;
        const char mask = static_cast<char>(1 << bit);
        disk_.Xor(JoinPath(directory_, name), at, mask);
        Check(name, absl::StrCat("byte ", at, " bit ", bit));
        if (HasFatalFailure()) return;
        disk_.Xor(JoinPath(directory_, name), at, mask);
      }
    }
  }
}

TEST_F(SnapshotMatrixTest, EveryLengthIsSeen) {
  uint64_t step = 0;
  for (const auto& [name, whole] : whole_) {
    for (uint64_t size = 0; size < whole.size(); ++size) {
      if (++step % stride_ != 0 && size != 0) continue;
      Put(name, absl::string_view(whole).substr(0, size));
      Check(name, absl::StrCat("cut to ", size));
      if (HasFatalFailure()) return;
    }
    Put(name, whole);
  }
}

TEST_F(SnapshotMatrixTest, EveryMissingFileIsSeen) {
  for (const auto& [name, whole] : whole_) {
    disk_.Delete(JoinPath(directory_, name));
    const Found found = Look();
    SCOPED_TRACE(absl::StrCat(name, " is gone\n", Text(found.report)));
    // What another copy makes up for may go. The newest manifest is announced
    // by the next segment only.
    const bool second_copy =
        absl::EndsWith(name, ".manifest") || name == "0000000003.seg";
    ASSERT_EQ(found.report.damaged(), !second_copy);
    for (const auto& [lsn, body] : records_) {
      ASSERT_EQ(NamedLost(found.report, lsn), found.records.count(lsn) == 0)
          << "LSN " << lsn;
    }
    Put(name, whole);
  }
}

TEST_F(SnapshotMatrixTest, EverySectorZeroedIsSeen) {
  for (const auto& [name, whole] : whole_) {
    for (uint64_t at = 0; at < whole.size(); at += kSectorBytes) {
      std::string damaged = whole;
      const uint64_t size = std::min<uint64_t>(kSectorBytes, whole.size() - at);
      damaged.replace(at, size, size, '\0');
      if (damaged == whole) continue;  // All gap.
      Put(name, damaged);
      Check(name, absl::StrCat("sector at ", at, " zeroed"));
      if (HasFatalFailure()) return;
    }
    Put(name, whole);
  }
}

TEST_F(SnapshotMatrixTest, EveryTwoSectorsSwappedAreSeen) {
  uint64_t step = 0;
  for (const auto& [name, whole] : whole_) {
    const uint64_t sectors = whole.size() / kSectorBytes;
    for (uint64_t a = 0; a < sectors; ++a) {
      for (uint64_t b = a + 1; b < sectors; ++b) {
        const std::string one = whole.substr(a * kSectorBytes, kSectorBytes);
        const std::string two = whole.substr(b * kSectorBytes, kSectorBytes);
        if (one == two || ++step % (stride_ / 8 + 1) != 0) continue;
        std::string damaged = whole;
        damaged.replace(a * kSectorBytes, kSectorBytes, two);
        damaged.replace(b * kSectorBytes, kSectorBytes, one);
        Put(name, damaged);
        Check(name, absl::StrCat("sectors ", a, " and ", b));
        if (HasFatalFailure()) return;
      }
    }
    Put(name, whole);
  }
}

}  // namespace
}  // namespace journal
