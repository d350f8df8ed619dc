// Nothing: see safelight_common_headers() in cmake/SafelightTargets.cmake.
