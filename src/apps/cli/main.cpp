// safelight: open any .safetensors file safely, and make pictures from it.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>

#include "apps/cli/commands.h"
#include "apps/cli/signals.h"
#include "core/mapping_guard.h"
#include "safelight/error.h"

namespace {

// In the order in which the help lists them.
constexpr std::array kCommands = {
    safelight::cli::add_generate,     safelight::cli::add_transform, safelight::cli::add_inpaint,
    safelight::cli::add_outpaint,     safelight::cli::add_edit,      safelight::cli::add_sheet,
    safelight::cli::add_info,         safelight::cli::add_replay,    safelight::cli::add_what,
    safelight::cli::add_models,       safelight::cli::add_ls,        safelight::cli::add_tree,
    safelight::cli::add_header,       safelight::cli::add_check,     safelight::cli::add_repair,
    safelight::cli::add_hash,         safelight::cli::add_keep,      safelight::cli::add_drop,
    safelight::cli::add_rename,       safelight::cli::add_split,     safelight::cli::add_join,
    safelight::cli::add_stat,         safelight::cli::add_diff,      safelight::cli::add_cast,
    safelight::cli::add_merge,        safelight::cli::add_cat,       safelight::cli::add_slice,
    safelight::cli::add_set_metadata, safelight::cli::add_convert,   safelight::cli::add_scan,
};

int run(int argc, char** argv) {
  safelight::cli::CommandLine line("Safelight: open any .safetensors file safely, and make pictures from it.",
                                   "safelight 0.1.0");
  int status = 0;
  for (const auto add : kCommands) add(line.program(), status);
  line.run(argc, argv);
  if (std::fflush(stdout) != 0) throw std::system_error(errno, std::generic_category(), "cannot write the output");
  return status;
}

// Of a command that went wrong because a file lost its bytes, that is the reason, whatever the zeros in their place led
// to.
int fail_with(const safelight::Error& error) {
  try {
    safelight::check_all_mappings();
  } catch (const safelight::Error& lost) {
    std::fprintf(stderr, "safelight: %s\n", lost.what());
    return safelight::exit_code(lost.category());
  }
  std::fprintf(stderr, "safelight: %s\n", error.what());
  return safelight::exit_code(error.category());
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file beyond the size limit is then an error of write(), like a full disk
  safelight::cli::survive_lost_files();
  try {
    const int status = run(argc, argv);
    safelight::check_all_mappings();
    return status;
  } catch (const safelight::Error& e) {
    return fail_with(e);
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "safelight: out of memory\n");
    return safelight::exit_code(safelight::ErrorCategory::limit);
  } catch (const std::system_error& e) {
    std::fprintf(stderr, "safelight: %s\n", e.what());
    return safelight::exit_code(safelight::ErrorCategory::io);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "safelight: internal error: %s\n", e.what());
    return 70;
  }
}
