// A journal's record as JSON text, for people and their tools.
#ifndef RUNNER_STORAGE_RECORD_JSON_H_
#define RUNNER_STORAGE_RECORD_JSON_H_

#include <string>

#include "journal/types.h"

namespace runner {

// One line of JSON, without a newline:
//
//   {"lsn":7,"type":"Response","record":{"key":{"run":1,…},…}}
//
// Every field of schemas/records.fbs is there, in the schema's order and under
// the schema's name: text that is absent is null, a value of an enumeration is
// its name, or its number when this program does not know it. Numbers that
// JSON has not are the strings "NaN", "Infinity", "-Infinity".
//
// The text is always valid JSON and valid UTF-8, without a control character:
// text that is not UTF-8 has U+FFFD for its bad bytes, and all its bytes in
// "<field>_base64" beside it. A type that this program does not know is
// {"lsn":…,"type":99,"ignorable":…,"body_base64":"…"}; a body that the verifier
// rejects has "poison": why, and "body_base64", instead of "record".
std::string RecordToJson(const journal::Record& record);

}  // namespace runner

#endif  // RUNNER_STORAGE_RECORD_JSON_H_
