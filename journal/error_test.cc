#include "journal/error.h"

#include <cerrno>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace journal {
namespace {

constexpr ErrorKind kErrors[] = {
    ErrorKind::kInvalidArgument, ErrorKind::kNotFound,     ErrorKind::kIo,
    ErrorKind::kNoSpace,         ErrorKind::kDamage,       ErrorKind::kTornTail,
    ErrorKind::kLocked,          ErrorKind::kNewerVersion, ErrorKind::kPoisoned,
    ErrorKind::kClosed,          ErrorKind::kBusy};

TEST(ErrorTest, StatusCarriesItsKindAndMessage) {
  for (ErrorKind kind : kErrors) {
    const absl::Status status = MakeError(kind, "at offset 7");
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(KindOf(status), kind) << ErrorKindName(kind);
    EXPECT_EQ(status.message(), "at offset 7");
  }
}

TEST(ErrorTest, KindsHaveNamesOfTheirOwn) {
  std::set<std::string> names = {std::string(ErrorKindName(ErrorKind::kNone))};
  for (ErrorKind kind : kErrors) {
    EXPECT_TRUE(names.emplace(ErrorKindName(kind)).second)
        << ErrorKindName(kind);
  }
  EXPECT_EQ(names.count("unknown"), 0u);
}

TEST(ErrorTest, OkAndForeignStatusesHaveNoKind) {
  EXPECT_EQ(KindOf(absl::OkStatus()), ErrorKind::kNone);
  EXPECT_EQ(KindOf(absl::DataLossError("of another library")),
            ErrorKind::kNone);
}

TEST(ErrorTest, KindSurvivesContext) {
  const absl::Status status =
      WithContext(MakeError(ErrorKind::kTornTail, "cut"), "journal R");
  EXPECT_EQ(KindOf(status), ErrorKind::kTornTail);
  EXPECT_EQ(status.message(), "journal R: cut");
}

TEST(ErrorTest, ContextKeepsOkAndForeignStatuses) {
  EXPECT_TRUE(WithContext(absl::OkStatus(), "journal R").ok());
  EXPECT_EQ(WithContext(absl::DataLossError("x"), "journal R"),
            absl::DataLossError("journal R: x"));
}

TEST(ErrorTest, DiskFullIsTyped) {
  for (int error : {ENOSPC, EDQUOT}) {
    const absl::Status status = ErrnoError(error, "a: cannot write");
    EXPECT_EQ(KindOf(status), ErrorKind::kNoSpace);
    EXPECT_TRUE(absl::IsResourceExhausted(status));
  }
}

TEST(ErrorTest, MissingIsNotFoundAndAllElseIsIo) {
  EXPECT_EQ(KindOf(ErrnoError(ENOENT, "a")), ErrorKind::kNotFound);
  for (int error : {EIO, EACCES, EROFS, ENOTDIR, EMFILE, ENOLCK}) {
    EXPECT_EQ(KindOf(ErrnoError(error, "a")), ErrorKind::kIo) << error;
  }
}

TEST(ErrorTest, ErrnoIsSpeltOut) {
  EXPECT_EQ(ErrnoError(EIO, "a: cannot read").message(),
            "a: cannot read: Input/output error");
}

}  // namespace
}  // namespace journal
