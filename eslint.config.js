import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["**/node_modules/**", "**/dist/**", ".dagger/sdk/**", "ci/embedded/**"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    files: ["**/*.ts"],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Every index is checked by the compiler; what is left has been looked at.
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      eqeqeq: "error",
    },
  },
  {
    // What only calls Dagger is checked by the module's own load; these must stay without it.
    files: [".dagger/src/lib/**/*.ts", ".dagger/programs/**/*.ts"],
    rules: {
      "no-restricted-imports": ["error", { paths: [{ name: "@dagger.io/dagger", message: "lib and programs know no Dagger" }] }],
    },
  },
);
