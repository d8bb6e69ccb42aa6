"""A tree of real files into a bucket and back: exactly what changed, nothing else, nothing lost."""
import hashlib
import os
import pathlib
import subprocess
import unittest

import harness

FILES = int(os.environ.get("HAUL_TEST_FILES", "50000"))


class SyncTree(harness.HaulTest):
    def test_up_again_changed_and_down(self):
        account, _ = harness.radosgw()
        self.use(account)
        client = account.client()
        bucket = self.bucket(account)
        tree = self.folder / "tree"
        harness.make_tree(tree, FILES)

        first = self.haul("sync", tree, f"s3://{bucket}/tree/", "--json").json
        self.assertEqual(first["accounts"]["listed"], FILES)
        self.assertEqual(first["accounts"]["copied"], FILES)
        here = harness.facts_of_tree(tree)
        there = harness.list_bucket(client, bucket)
        self.assertEqual({f"tree/{path}": facts[0] for path, facts in here.items()}, there)

        second = self.haul("sync", tree, f"s3://{bucket}/tree/", "--json").json
        self.assertEqual(second["accounts"]["copied"], 0)
        self.assertEqual(second["accounts"]["skipped"], FILES)

        paths = sorted(here)
        changed, removed = paths[0::100], paths[1::200]
        for path in changed:
            with open(tree / path, "a", encoding="utf-8") as file:
                file.write("changed")
        for path in removed:
            os.remove(tree / path)
        # Directories that this emptied are no objects (--empty-dirs has a test of its own).
        subprocess.run(["find", tree, "-type", "d", "-empty", "-delete"], check=True)
        for number in range(FILES // 200):
            (tree / f"new-{number}.txt").write_text(f"new {number}", encoding="utf-8")
        third = self.haul("sync", "--delete", tree, f"s3://{bucket}/tree/", "--json").json
        self.assertEqual(third["accounts"]["copied"], len(changed) + FILES // 200)
        self.assertEqual(third["accounts"]["extra_deleted"], len(removed))
        here = harness.facts_of_tree(tree)
        self.assertEqual({f"tree/{path}": facts[0] for path, facts in here.items()},
                         harness.list_bucket(client, bucket))

        for path in (changed + paths[2::997])[:400]:
            body = client.get_object(Bucket=bucket, Key=f"tree/{path}")["Body"].read()
            self.assertEqual(hashlib.sha256(body).digest(), hashlib.sha256((tree / path).read_bytes()).digest(), path)

        back = self.folder / "back"
        self.haul("sync", f"s3://{bucket}/tree/", back)
        subprocess.run(["diff", "-r", tree, back], check=True)
        self.assertEqual(harness.facts_of_tree(back), here)
        again = self.haul("sync", f"s3://{bucket}/tree/", back, "--json").json
        self.assertEqual(again["accounts"]["copied"], 0)


if __name__ == "__main__":
    harness.main()
