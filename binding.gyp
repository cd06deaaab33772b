{
  "variables": { "sanitize%": "" },
  "targets": [
    {
      "target_name": "ipc_playground",
      "sources": ["<!@(node scripts/native-sources.mjs)"],
      "include_dirs": ["src/native"],
      "cflags": ["-std=c11", "-Wall", "-Wextra", "-Wno-unused-result", "-O2", "-fvisibility=hidden", "-pthread"],
      "conditions": [
        ["OS=='linux'", { "libraries": ["-lrt", "-pthread"] }],
        ["sanitize!=''", { "cflags": ["-fsanitize=<(sanitize)", "-fno-omit-frame-pointer", "-g", "-O1"], "ldflags": ["-fsanitize=<(sanitize)"] }]
      ]
    }
  ]
}
