// Nothing: see safelight_test_headers() in cmake/SafelightTargets.cmake.
int main() {}
