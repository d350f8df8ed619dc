#include "format/foreign/scan_names.h"

#include <algorithm>
#include <array>

#include "format/foreign/torch_objects.h"

namespace safelight::foreign {
namespace {

// Exact names that only build values. Storage classes and element types of PyTorch come on top.
constexpr std::array<std::string_view, 67> kClean{"__builtin__.bool",
                                                  "__builtin__.bytearray",
                                                  "__builtin__.bytes",
                                                  "__builtin__.complex",
                                                  "__builtin__.dict",
                                                  "__builtin__.float",
                                                  "__builtin__.frozenset",
                                                  "__builtin__.int",
                                                  "__builtin__.list",
                                                  "__builtin__.long",
                                                  "__builtin__.object",
                                                  "__builtin__.range",
                                                  "__builtin__.set",
                                                  "__builtin__.slice",
                                                  "__builtin__.str",
                                                  "__builtin__.tuple",
                                                  "__builtin__.unicode",
                                                  "_codecs.encode",
                                                  "builtins.bool",
                                                  "builtins.bytearray",
                                                  "builtins.bytes",
                                                  "builtins.complex",
                                                  "builtins.dict",
                                                  "builtins.float",
                                                  "builtins.frozenset",
                                                  "builtins.int",
                                                  "builtins.list",
                                                  "builtins.object",
                                                  "builtins.range",
                                                  "builtins.set",
                                                  "builtins.slice",
                                                  "builtins.str",
                                                  "builtins.tuple",
                                                  "collections.Counter",
                                                  "collections.OrderedDict",
                                                  "collections.defaultdict",
                                                  "collections.deque",
                                                  "copy_reg._reconstructor",
                                                  "copyreg._reconstructor",
                                                  "joblib.numpy_pickle.NumpyArrayWrapper",
                                                  "numpy._core.multiarray._reconstruct",
                                                  "numpy._core.multiarray.scalar",
                                                  "numpy._core.numeric._frombuffer",
                                                  "numpy.core.multiarray._reconstruct",
                                                  "numpy.core.multiarray.scalar",
                                                  "numpy.core.numeric._frombuffer",
                                                  "numpy.dtype",
                                                  "numpy.ndarray",
                                                  "pathlib.Path",
                                                  "pathlib.PosixPath",
                                                  "pathlib.PurePath",
                                                  "pathlib.PurePosixPath",
                                                  "pathlib.PureWindowsPath",
                                                  "pathlib.WindowsPath",
                                                  "torch.Size",
                                                  "torch.Tensor",
                                                  "torch._tensor._rebuild_from_type_v2",
                                                  "torch._utils._rebuild_device_tensor_from_cpu_tensor",
                                                  "torch._utils._rebuild_parameter",
                                                  "torch._utils._rebuild_parameter_with_state",
                                                  "torch._utils._rebuild_qtensor",
                                                  "torch._utils._rebuild_sparse_tensor",
                                                  "torch._utils._rebuild_tensor",
                                                  "torch._utils._rebuild_tensor_v2",
                                                  "torch._utils._rebuild_tensor_v3",
                                                  "torch.device",
                                                  "torch.nn.parameter.Parameter"};
static_assert(std::is_sorted(kClean.begin(), kClean.end()));

struct Danger {
  std::string_view module;  // this module and everything below it
  std::string_view why;
};

constexpr std::string_view kPrograms = "runs programs or changes files", kCode = "runs code that the pickle brings",
                           kAttributes = "reaches any attribute or calls any function by its name",
                           kPickles = "loads another pickle", kNetwork = "opens network connections",
                           kImports = "imports any module", kMemory = "reaches the process's memory",
                           kInterpreter = "changes how the interpreter works";

// A module counts with all that is in it, the few clean names above aside.
constexpr std::array kDangerous{
    Danger{"__builtin__", kCode},
    Danger{"_ctypes", kMemory},
    Danger{"_io", kPrograms},
    Danger{"_operator", kAttributes},
    Danger{"_pickle", kPickles},
    Danger{"_posixsubprocess", kPrograms},
    Danger{"_socket", kNetwork},
    Danger{"_thread", kCode},
    Danger{"aiohttp", kNetwork},
    Danger{"asyncio", kPrograms},
    Danger{"atexit", kCode},
    Danger{"bdb", kCode},
    Danger{"builtins", kCode},
    Danger{"cPickle", kPickles},
    Danger{"cProfile", kCode},
    Danger{"cffi", kMemory},
    Danger{"cloudpickle", kPickles},
    Danger{"code", kCode},
    Danger{"codeop", kCode},
    Danger{"commands", kPrograms},
    Danger{"concurrent", kCode},
    Danger{"copyreg", kAttributes},
    Danger{"copy_reg", kAttributes},
    Danger{"ctypes", kMemory},
    Danger{"dill", kPickles},
    Danger{"distutils", kPrograms},
    Danger{"doctest", kCode},
    Danger{"ensurepip", kPrograms},
    Danger{"ftplib", kNetwork},
    Danger{"functools", kAttributes},
    Danger{"gc", kMemory},
    Danger{"glob", kPrograms},
    Danger{"http", kNetwork},
    Danger{"httplib", kNetwork},
    Danger{"httpx", kNetwork},
    Danger{"idlelib", kPrograms},
    Danger{"imp", kImports},
    Danger{"importlib", kImports},
    Danger{"inspect", kCode},
    Danger{"io", kPrograms},
    Danger{"itertools", kAttributes},
    Danger{"jsonpickle", kPickles},
    Danger{"lib2to3", kPrograms},
    Danger{"linecache", kPrograms},
    Danger{"logging.config", kCode},
    Danger{"marshal", kCode},
    Danger{"multiprocessing", kPrograms},
    Danger{"nt", kPrograms},
    Danger{"ntpath", kPrograms},
    Danger{"numpy.distutils", kPrograms},
    Danger{"numpy.f2py", kCode},
    Danger{"numpy.load", kPickles},
    Danger{"numpy.testing", kCode},
    Danger{"operator", kAttributes},
    Danger{"os", kPrograms},
    Danger{"pandas.eval", kCode},
    Danger{"pandas.read_pickle", kPickles},
    Danger{"pathlib", kPrograms},
    Danger{"pdb", kCode},
    Danger{"pickle", kPickles},
    Danger{"pip", kPrograms},
    Danger{"pkg_resources", kImports},
    Danger{"pkgutil", kImports},
    Danger{"platform", kPrograms},
    Danger{"popen2", kPrograms},
    Danger{"posix", kPrograms},
    Danger{"posixpath", kPrograms},
    Danger{"profile", kCode},
    Danger{"pty", kPrograms},
    Danger{"pydoc", kPrograms},
    Danger{"requests", kNetwork},
    Danger{"rlcompleter", kCode},
    Danger{"runpy", kCode},
    Danger{"sched", kCode},
    Danger{"setuptools", kPrograms},
    Danger{"shelve", kPickles},
    Danger{"shutil", kPrograms},
    Danger{"signal", kInterpreter},
    Danger{"site", kCode},
    Danger{"smtplib", kNetwork},
    Danger{"socket", kNetwork},
    Danger{"socketserver", kNetwork},
    Danger{"sqlite3", kPrograms},
    Danger{"ssl", kNetwork},
    Danger{"subprocess", kPrograms},
    Danger{"sys", kInterpreter},
    Danger{"sysconfig", kPrograms},
    Danger{"telnetlib", kNetwork},
    Danger{"tempfile", kPrograms},
    Danger{"test", kPrograms},
    Danger{"threading", kCode},
    Danger{"timeit", kCode},
    Danger{"torch._inductor", kCode},
    Danger{"torch.compile", kCode},
    Danger{"torch.hub", kNetwork},
    Danger{"torch.jit", kCode},
    Danger{"torch.load", kPickles},
    Danger{"torch.ops", kCode},
    Danger{"torch.serialization", kPickles},
    Danger{"torch.storage._load_from_bytes", kPickles},
    Danger{"torch.utils.bottleneck", kCode},
    Danger{"torch.utils.collect_env", kPrograms},
    Danger{"torch.utils.cpp_extension", kPrograms},
    Danger{"torch.utils.model_zoo", kNetwork},
    Danger{"trace", kCode},
    Danger{"types", kCode},
    Danger{"urllib", kNetwork},
    Danger{"urllib2", kNetwork},
    Danger{"urllib3", kNetwork},
    Danger{"uuid._get_command_stdout", kPrograms},
    Danger{"venv", kPrograms},
    Danger{"webbrowser", kPrograms},
    Danger{"xmlrpc", kNetwork},
    Danger{"zipimport", kImports},
};

// Modules that are attributes of harmless ones: "torch.serialization.os.system" is os.system. Also the attributes
// through which any class leads to everything.
constexpr std::array<std::string_view, 22> kDangerousPart{"__builtins__", "__class__",
                                                          "__dict__",     "__getattribute__",
                                                          "__globals__",  "__import__",
                                                          "__loader__",   "__mro__",
                                                          "__reduce__",   "__reduce_ex__",
                                                          "__self__",     "__subclasses__",
                                                          "builtins",     "ctypes",
                                                          "eval",         "exec",
                                                          "importlib",    "os",
                                                          "pickle",       "shutil",
                                                          "subprocess",   "sys"};
static_assert(std::is_sorted(kDangerousPart.begin(), kDangerousPart.end()));

bool is_below(std::string_view name, std::string_view module) {
  return name.starts_with(module) && (name.size() == module.size() || name[module.size()] == '.');
}

bool has_dangerous_part(std::string_view name) {
  while (!name.empty()) {
    const std::size_t dot = std::min(name.find('.'), name.size());
    if (std::binary_search(kDangerousPart.begin(), kDangerousPart.end(), name.substr(0, dot))) return true;
    name.remove_prefix(std::min(dot + 1, name.size()));
  }
  return false;
}

}  // namespace

NameVerdict judge_name(std::string_view name) {
  if (std::binary_search(kClean.begin(), kClean.end(), name) || is_torch_type(name)) return {ScanVerdict::clean, {}};
  for (const Danger& danger : kDangerous)
    if (is_below(name, danger.module)) return {ScanVerdict::dangerous, danger.why};
  if (has_dangerous_part(name)) return {ScanVerdict::dangerous, kAttributes};
  return {ScanVerdict::suspicious, "is not known to be harmless"};
}

}  // namespace safelight::foreign
