// The journal engine on one page.
//
// An append-only journal of (type, bytes) records in a directory of its own,
// made so that nothing acknowledged is ever lost unseen.
//
//   #include "journal/journal.h"
//
//   journal::WriterOptions options;                 // sync mode batch
//   auto writer = journal::Writer::Open("journals/R", options);
//   if (!writer.ok()) return writer.status();       // says what and where
//   auto lsn = (*writer)->Append({.type = 1, .body = "a result"});
//   // Survives kill -9 from here on, and power loss after:
//   absl::Status durable = (*writer)->WaitDurable(*lsn);
//   absl::Status closed = (*writer)->Close();
//
//   Writer     writer.h           append, group commit, durability, snapshots
//              append_callback.h  appends that nobody waits for
//              listener.h         hears of errors, sealed segments, snapshots
//              writer_statistics.h, histogram.h: counts and times
//   Reader     reader.h           read in order or by LSN, follow a writer
//   Folder     folder.h           a summary in the journal, for quick opening
//   Compactor  compactor.h        which records snapshots leave out, and when
//                                 snapshots are made
//   Cipher     cipher.h           encrypts what is stored
//   Examine    recovery.h         verify and report, changing nothing
//              recovery_report.h  what was found, and what a mode makes of it
//   Salvage    salvage.h          copy what is whole out of a damaged journal
//   types      types.h            LSN, records, modes
//   errors     error.h            ErrorKind of every status
//   doors      file_system.h, clock.h
//
// README.md says what is promised, how it is tested and how to use it, with
// examples; FORMAT.md describes every byte on disk.
#ifndef JOURNAL_JOURNAL_H_
#define JOURNAL_JOURNAL_H_

#include "journal/append_callback.h"
#include "journal/cipher.h"
#include "journal/clock.h"
#include "journal/compactor.h"
#include "journal/error.h"
#include "journal/file_system.h"
#include "journal/folder.h"
#include "journal/histogram.h"
#include "journal/listener.h"
#include "journal/reader.h"
#include "journal/recovery.h"
#include "journal/recovery_report.h"
#include "journal/salvage.h"
#include "journal/types.h"
#include "journal/writer.h"
#include "journal/writer_statistics.h"

#endif  // JOURNAL_JOURNAL_H_
