"""The schema of job files and the reader are of one mind: on the examples, and on what is right and wrong."""
import json
import pathlib
import re

import harness
import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors and haul read it: no dates, no yes and no."""


Core.yaml_implicit_resolvers = {}
for tag, pattern in ((("null"), r"~|null|Null|NULL|"), ("bool", r"true|True|TRUE|false|False|FALSE"),
                     ("int", r"[-+]?[0-9]+"), ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), None)

COPY = "name: a\noperation: copy\nsource: s3://from/\ndestination: s3://dest/\n"
SYNC = COPY.replace("copy", "sync")
MOVE = COPY.replace("copy", "move")
DELETE = "name: a\noperation: delete\nsource: s3://from/\n"
CATALOG = "catalogs: {c: {url: 'sqlite:/a.db'}}\n"

GOOD = [
    COPY, SYNC, MOVE, DELETE, COPY.replace("copy", "verify"),
    DELETE.replace("delete", "tag") + "tags: {a: b, c: ''}\n",
    COPY + "description: 'what for'\npriority: 100\napprove: required\n",
    COPY + "filters: {include: '*.jpg', exclude: ['a', 'b/'], min-size: 1, max-size: 5GiB, older-than: 7d}\n",
    COPY + "filters: {newer-than: 2026-01-31, ignore-case: true}\n",
    COPY + "options: {bandwidth: 1048576, max-failures: 5, part-size: 64MiB, preserve: all}\n",
    COPY + "options: {max-failures: 0.5%, preserve: [mtime, tags], overwrite: never, links: follow}\n",
    SYNC + "options: {delete: {enabled: false, max-share: 0.5}, compare: size-only, modify-window: 2s}\n",
    SYNC + "options: {delete: {max-share: 100%, allow-empty-source: true}}\n",
    MOVE + "keep-source: 1h30m\n" + CATALOG + "catalog: {update: 'UPDATE f SET p = :destination_key', batch: 10}\n",
    MOVE + CATALOG + "select: {catalog: c, query: SELECT 1, key: k, cursor: i, page: 10}\n",
    DELETE + "select: {manifest: m.csv, format: csv}\noptions: {all-versions: true}\n",
    COPY + "select: {keys: k.txt}\nmapping: {flatten: true}\nreport: {location: r/, formats: [csv], scope: failed}\n",
    COPY + "chunks: {objects: '${N}', bytes: 1GiB, attempts: 3}\nmapping: {template: '{year}/{name}'}\n",
    COPY + "source-options: {profile: p, role-arn: r, external-id: e, no-sign-request: false}\n",
    COPY + "options: {memory: 64MiB, log-level: off, concurrency: 7, sse: 'aws:kms', sse-kms-key-id: k}\n",
    json.dumps({"name": "j", "operation": "copy", "source": ["s3://aaa/", "s3://bbb/"], "destination": "/tmp/x"}),
]
BAD = [
    "", "[]", "hello", COPY + "sorce: x\n", COPY + "options: {verifi: all}\n", COPY + "options: []\n",
    COPY + "options:\n", COPY.replace("name: a", "name: 12"), COPY.replace("name: a", "name: 'a b'"),
    COPY.replace("copy", "coppy"), COPY.replace("copy", "process"), COPY.replace("source: s3://from/\n", ""),
    COPY.replace("destination: s3://dest/\n", ""), DELETE + "destination: s3://dest/\n",
    DELETE.replace("delete", "tag"), COPY + "tags: {a: b}\n", COPY + "keep-source: 7d\n", MOVE + "keep-source: 7\n",
    MOVE + "keep-source: soon\n", COPY + "options: {delete: {}}\n", COPY + "options: {server-side: 'yes'}\n",
    COPY + "options: {server-side: 1}\n", COPY + "priority: 0\n", COPY + "priority: 101\n", COPY + "priority: 1.5\n",
    COPY + "chunks: {objects: many}\n", COPY + "chunks: {bytes: 4 quarts}\n", COPY + "filters: {min-size: -1}\n",
    COPY + "filters: {include: []}\n", COPY + "filters: {include: [1]}\n", COPY + "options: {bandwidth: 0}\n",
    COPY + "options: {max-failures: 101%}\n", COPY + "options: {max-failures: 0.5}\n",
    SYNC + "options: {delete: {max-share: 2}}\n", COPY + "options: {preserve: [colour]}\n",
    COPY + "approve: sometimes\n", COPY + "report: {formats: xml}\n", COPY + "source-options: {password: x}\n",
    COPY + "catalogs: {c: {}}\n", COPY + "catalogs: {c: {url: 'sqlite:a', connections: 0}}\n",
    COPY + "catalogs: {c: {url: 'sqlite:a', tls: maybe}}\n", COPY + "catalogs: [c]\n", MOVE + "catalog: {batch: 1}\n",
    SYNC + "mapping: {flatten: true}\n", SYNC + "select: {catalog: c, query: q, key: k, cursor: i}\n" + CATALOG,
    COPY + "description: ''\n", COPY + "description: {a: b}\n", DELETE + "options: {overwrite: never}\n",
]


class Schema(harness.HaulTest):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads((ROOT / "docs/job-schema.json").read_text("utf-8"))
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def by_schema(self, text):
        return [error.message for error in self.validator.iter_errors(yaml.load(text, Core))]

    def by_haul(self, paths):
        """Exit code and words of haul, which reads each file and does no more."""
        result = self.haul("run", "--check", *paths, code=None,
                           env={"N": "12", "MEDIA_OLD": "media-old", "MEDIA_NEW": "media-new", "BATCH": "b1",
                                "DATABASE": "mariadb://app@db.internal/media"})
        self.assertIn(result.code, (0, 2), str(result))
        return result

    def test_examples_are_right(self):
        for path in sorted((ROOT / "examples").glob("*.[yj]*")):
            with self.subTest(path.name):
                text = path.read_text("utf-8")
                self.assertEqual(self.by_schema(text), [])
                self.assertEqual(self.by_haul([path]).code, 0)
                if path.suffix == ".yaml":
                    self.assertTrue(text.startswith("# yaml-language-server: $schema=../docs/job-schema.json\n"))

    def test_both_take_what_is_right(self):
        for number, text in enumerate(GOOD):
            with self.subTest(text):
                self.assertEqual(self.by_schema(text), [])
                path = self.folder / f"good-{number}.yaml"
                path.write_text(text, encoding="utf-8")
                result = self.by_haul([path])
                self.assertEqual(result.code, 0, str(result))

    def test_both_refuse_what_is_wrong(self):
        paths = []
        for number, text in enumerate(BAD):
            with self.subTest(text):
                self.assertNotEqual(self.by_schema(text), [])
            paths.append(self.folder / f"bad-{number}.yaml")
            paths[-1].write_text(text, encoding="utf-8")
        told = self.by_haul(paths).err
        for path, text in zip(paths, BAD):
            with self.subTest(text):
                self.assertRegex(told, rf"{re.escape(str(path))}:[0-9]+:[0-9]+: ")


if __name__ == "__main__":
    harness.main()
