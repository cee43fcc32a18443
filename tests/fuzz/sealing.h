// Changed files of a journal made right again: by whoever may write the files,
// and by whoever has the key besides.
#ifndef TESTS_FUZZ_SEALING_H_
#define TESTS_FUZZ_SEALING_H_

#include <cstddef>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "journal/cipher.h"

namespace fuzz {

using Files = std::map<std::string, std::string>;  // By name.

// Makes the checksums (and within a segment the chain) of segment, part or
// manifest `name` fit its bytes, as far as there is something to be found where
// it should be; a manifest is made to fit its parts, too.
void SealFile(const std::string& name, Files& files);

// Puts `plain`, cut or filled with zeros to the old length, in the place of a
// record's or state's body in a segment, or of a block's stored bytes in a part
// (0x80 in `which`: as bytes that are not compressed), encrypted with `cipher`
// if it is not null, and seals the file.
void ReplaceBody(const std::string& name, size_t which, absl::string_view plain,
                 const journal::Cipher* cipher, Files& files);

}  // namespace fuzz

#endif  // TESTS_FUZZ_SEALING_H_
