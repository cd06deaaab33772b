{
  "variables": { "sanitize%": "" },
  "targets": [
    {
      "target_name": "ipc_playground",
      "sources": ["<!@(node scripts/native-sources.mjs)"],
      "include_dirs": ["src/native"],
      "cflags": ["-std=c11", "-Wall", "-Wextra", "-Wno-unused-result", "-O2", "-fvisibility=hidden", "-pthread"],
      "conditions": [
        # nodelete: a signal handler must outlive the worker thread that alone had loaded the addon.
        ["OS=='linux'", { "libraries": ["-lrt", "-pthread"], "ldflags": ["-Wl,-z,nodelete"] }],
        ["sanitize!=''", { "cflags": ["-fsanitize=<(sanitize)", "-fno-omit-frame-pointer", "-g", "-O1"], "ldflags": ["-fsanitize=<(sanitize)"] }]
      ]
    }
  ]
}
