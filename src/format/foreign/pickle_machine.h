// What a pickle would build, found out without executing anything: names are kept as names, calls as calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/foreign/pickle_opcodes.h"
#include "safelight/context.h"

namespace safelight::foreign {

// A value of a pickle, by its number in PickleValues. Values may contain each other in circles.
using Ref = std::uint32_t;

struct PickleValue {
  enum class Kind : std::uint8_t {
    none,
    boolean,      // number
    integer,      // number
    big_integer,  // text: little-endian, two's complement
    real,
    text,        // UTF-8 as far as the file is honest
    bytes,       // text
    tuple,       // items
    list,        // items
    set,         // items; frozen or not
    dict,        // items: key, value, key, value, ...
    global,      // what an import would give: callable (its module) and arguments (its name) are texts
    object,      // what a call would give: callable, arguments, state if there was a BUILD, items that were added later
    persistent,  // what the program's persistent_load would give for arguments
    unknown,     // an extension's code, an out-of-band buffer
  };

  Kind kind = Kind::none;
  bool has_state = false;
  Ref callable = 0, arguments = 0, state = 0;
  std::int64_t number = 0;
  double real = 0;
  std::string_view text{};  // points into the file, or into what the machine keeps
  std::vector<Ref> items{};
};

// Something that loading the pickle would have done: an import or a call.
struct PickleAction {
  Opcode opcode = Opcode::GLOBAL;
  std::size_t offset = 0;  // of the opcode in the file
  Ref target = 0;          // the name that is imported; what is called; the object that BUILD changes
  Ref arguments = 0;       // of a call; of BUILD, the state
};

// What bounds the memory and the time of a run. Half a million tensors take about six million values.
struct PickleLimits {
  std::size_t values = 8'000'000, items = 64'000'000, actions = 8'000'000, instructions = 256'000'000;
};

// A finished or broken run. Refers to the file's bytes.
struct PickleRun {
  std::deque<PickleValue> values;
  std::deque<std::string> decoded;    // texts that are not in the file as they are
  std::vector<PickleAction> actions;  // in the order in which they would have happened
  Ref result = 0;                     // if it finished
  std::size_t end = 0;                // the byte after STOP, or where it broke
  bool skipped_arrays = false;        // RawArrays::joblib had something to skip
  std::string broken{};               // why it did not finish: a pickle executes up to there. Empty if it finished
  // Of a broken one, the instruction from which on Python may run what this machine did not: it fell to a limit, or to
  // a check that Python does not make, or not so. Nothing if Python breaks there, too.
  std::optional<std::size_t> goes_on{};

  const PickleValue& operator[](Ref ref) const { return values[ref]; }
};

// joblib writes the bytes of arrays between the instructions; its own loader skips them, pickle.load does not.
enum class RawArrays { none, joblib };

// Runs the pickle that begins at byte `begin` of `file`. Throws nothing for a bad pickle: see `broken`. Throws
// Error(cancelled).
PickleRun run_pickle(std::span<const std::byte> file, std::size_t begin = 0, const PickleLimits& limits = {},
                     RawArrays raw_arrays = RawArrays::none, const Context& context = {});

// The value that a dictionary, or an object that took items as one, has for this text as key (the last, if several).
std::optional<Ref> find_key(const PickleRun& run, Ref dictionary, std::string_view key);

// No program has a longer name with its module's. Whatever is longer was made to hide something.
inline constexpr std::size_t kLongestGlobal = 1000;

// "os.system"; of a name that is too long the first kLongestGlobal bytes and an ellipsis, so that it is no known name.
std::string dotted_name(std::string_view module, std::string_view name);

// The dotted name of a global whose module and name are texts; empty for every other value.
std::string global_name(const PickleRun& run, Ref ref);

}  // namespace safelight::foreign
