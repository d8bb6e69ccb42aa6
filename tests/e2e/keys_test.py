"""Keys that are unpleasant: from bucket to bucket unharmed with all that belongs to them, and to disk and back or by name."""
import os
import pathlib
import urllib.parse

import harness

CONTROLS = "".join(map(chr, [*range(1, 32), 127]))
KEYS = [
    "plain.txt", "with space", "  two  spaces  ", " leads and trails ", "a+b", "a%2Fb", "100%", "%", "%zz", "a&b=c?d#e",
    "semi;colon,comma", "equals=", "quote\"double", "quote'single", "back`tick", "<tag>&amp;</tag>", "back\\slash",
    "back\\..\\slash", "star*question?", "[class]", "{brace}", "dollar$HOME", "bang!", "pipe|", "tilde~", "~", "-", "-r",
    "--delete", "new\nline", "carriage\rreturn", "tab\there", f"controls{CONTROLS}end", "bell\x07", "escape\x1b[31mred",
    "\u00e4\u00f6\u00fc", "nfc-\u00e9", "nfd-e\u0301", "\u65e5\u672c\u8a9e", "\U0001f600", "\u200b", "\u202etxt.exe", "\ufeffbom",
    "\uffff", "\U0010ffff", "CASE", "case", "Case", "dot.", ".dot", "...", "deep/" * 100 + "leaf", "n" * 255,
    "/".join(["k" * 204] * 5), "1024/" + "/".join(["\U0001f600" * 50] * 5) + "/" + "x" * 14, "con", "nul.txt", "a:b",
    "2025-01-01T00:00:00Z", ".hidden/.file",
]
# On a disk these cannot be, under their names.
IMPOSSIBLE = ["/absolute", "//twice", "empty//component", "./here", "here/./there", "../above", "in/../../above", "..",
              ".", "/", "//", "/../../../../../../etc/haul-was-here", "t" * 256, "m" * 1024, "trailing/../",
              "s3://bucket/key", "http://host/path",
              "mid/" + "\U0001f600" * 64 + "/x"]
# These stand in each other's way on a disk: one can be there, and not the other.
RIVALS = ["rival", "rival/", "rival/b", "file-first", "file-first/below/deep"]


def body_of(key):
    return b"body of " + key.encode() + b"\n" * (len(key) % 7)


def properties_of(number):
    return {"Metadata": {"number": str(number), "note": f"value {number}; a=b, \"c\""},
            "Tagging": urllib.parse.urlencode({"number": number, "k e+y": "v=a/l:u@e"}, quote_via=urllib.parse.quote),
            "ContentType": f"application/x-test-{number}", "CacheControl": f"max-age={number}",
            "ContentDisposition": f"attachment; filename=\"{number}.bin\"", "ContentLanguage": "de-AT",
            "ContentEncoding": "x-nothing"}


def everything(client, bucket, key):
    """All that a client that is not ours can see of an object."""
    answer = client.get_object(Bucket=bucket, Key=key)
    tags = client.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {"body": answer["Body"].read(), "tags": sorted((tag["Key"], tag["Value"]) for tag in tags),
            **{name: answer.get(name) for name in ("Metadata", "ContentType", "CacheControl", "ContentDisposition",
                                                    "ContentLanguage", "ContentEncoding")}}


class UnpleasantKeys(harness.HaulTest):
    @classmethod
    def setUpClass(cls):
        cls.mine, cls.other = harness.radosgw()
        assert len(set(KEYS + IMPOSSIBLE + RIVALS)) == len(KEYS + IMPOSSIBLE + RIVALS)
        assert all(len(key.encode()) <= 1024 for key in KEYS + IMPOSSIBLE)
        assert any(len(key.encode()) == 1024 for key in KEYS), [len(key.encode()) for key in KEYS if len(key) > 200]

    def fill(self, account, keys, prefix=""):
        bucket, client = self.bucket(account), account.client()
        for number, key in enumerate(keys):
            client.put_object(Bucket=bucket, Key=prefix + key, Body=b"" if key.endswith("/") else body_of(key),
                              **properties_of(number))
        self.assertEqual(set(harness.list_bucket(client, bucket)), {prefix + key for key in keys})
        return bucket

    def same(self, one, two, keys, prefix=""):
        """Compares all objects of two (client, bucket)s, the second below a prefix."""
        self.assertEqual({prefix + key for key in harness.list_bucket(*one)}, set(harness.list_bucket(*two)))
        for key in keys:
            self.assertEqual(everything(*one, key), everything(*two, prefix + key), repr(key))

    def test_within_an_account_the_server_copies_them(self):
        self.use(self.mine)
        client = self.mine.client()
        keys = KEYS + IMPOSSIBLE + RIVALS
        here, there = self.fill(self.mine, keys), self.bucket(self.mine)
        accounts = self.haul("cp", "-r", f"s3://{here}/", f"s3://{there}/", "--json").accounts
        self.assertEqual((accounts["copied"], accounts["server_side"]), (len(keys), len(keys)))
        self.same((client, here), (client, there), keys)

    def test_under_another_prefix_they_keep_their_names(self):
        self.use(self.mine)
        client = self.mine.client()
        keys = [key for key in KEYS + IMPOSSIBLE + RIVALS if len(key.encode()) < 1000]
        here, there = self.fill(self.mine, keys), self.bucket(self.mine)
        prefix = "un der+%2F/\u00e9/"
        self.haul("sync", f"s3://{here}/", f"s3://{there}/{prefix}")
        self.same((client, here), (client, there), keys, prefix)
        again = self.haul("sync", f"s3://{here}/", f"s3://{there}/{prefix}", "--json").accounts
        self.assertEqual((again["copied"], again["skipped"]), (0, len(keys)))
        self.haul("mv", "-r", f"s3://{there}/{prefix}", f"s3://{there}/moved/")
        self.same((client, here), (client, there), keys, "moved/")

    def test_streamed_within_an_account_nothing_is_lost(self):
        self.use(self.mine)
        client = self.mine.client()
        keys = KEYS + IMPOSSIBLE + RIVALS
        here, there = self.fill(self.mine, keys), self.bucket(self.mine)
        accounts = self.haul("cp", "-r", f"s3://{here}/", f"s3://{there}/", "--no-server-side", "--json").accounts
        self.assertEqual((accounts["copied"], accounts["server_side"]), (len(keys), 0))
        self.same((client, here), (client, there), keys)

    def test_between_two_accounts_they_are_streamed(self):
        self.aws_files(
            f"[profile mine]\nendpoint_url = {self.mine.endpoint}\n[profile other]\nendpoint_url = {self.other.endpoint}\n",
            f"[mine]\naws_access_key_id = {self.mine.access_key}\naws_secret_access_key = {self.mine.secret_key}\n"
            f"[other]\naws_access_key_id = {self.other.access_key}\naws_secret_access_key = {self.other.secret_key}\n")
        keys = KEYS + IMPOSSIBLE + RIVALS
        here, there = self.fill(self.mine, keys), self.bucket(self.other)
        accounts = self.haul("cp", "-r", f"s3://{here}/", f"s3://{there}/", "--src-profile", "mine", "--dst-profile",
                             "other", "--json").accounts
        self.assertEqual((accounts["copied"], accounts["server_side"]), (len(keys), 0))
        self.same((self.mine.client(), here), (self.other.client(), there), keys)

    def test_each_by_itself_by_its_name(self):
        self.use(self.mine)
        client = self.mine.client()
        keys = [key for key in KEYS + IMPOSSIBLE if not set("*?[") & set(key) and not key.endswith("/")]
        here, there = self.fill(self.mine, keys), self.bucket(self.mine)
        for key in keys:
            self.haul("cp", f"s3://{here}/{key}", f"s3://{there}/{key}")
            self.assertEqual(self.haul("cat", f"s3://{there}/{key}", text=False).out, body_of(key), repr(key))
        self.same((client, here), (client, there), keys)
        for key in keys[::5]:
            self.haul("rm", f"s3://{there}/{key}")
        self.assertEqual(set(harness.list_bucket(client, there)), set(keys) - set(keys[::5]))

    def test_to_disk_and_back_what_can_be_there_is(self):
        self.use(self.mine)
        client = self.mine.client()
        here, back = self.fill(self.mine, KEYS), self.bucket(self.mine)
        disk = self.folder / "disk"
        accounts = self.haul("cp", "-r", f"s3://{here}/", disk, "--json").accounts
        self.assertEqual((accounts["copied"], accounts["failed"]), (len(KEYS), 0))
        self.assertGreater(accounts["losses"], 0, "a disk holds no tags, and that is to be said")
        self.assertEqual({os.fsencode(path): body for path, body in harness.read_tree(disk).items()},
                         {key.encode(): body_of(key) for key in KEYS})
        self.haul("cp", "-r", disk, f"s3://{back}/")
        self.assertEqual(set(harness.list_bucket(client, back)), set(KEYS))
        for key in KEYS:
            self.assertEqual(client.get_object(Bucket=back, Key=key)["Body"].read(), body_of(key), repr(key))
        again = self.haul("sync", f"s3://{back}/", disk, "--json").accounts
        self.assertEqual((again["copied"], again["skipped"]), (0, len(KEYS)))

    def test_what_cannot_be_on_a_disk_fails_by_name_and_never_leaves_the_root(self):
        self.use(self.mine)
        here = self.fill(self.mine, KEYS[:5] + IMPOSSIBLE)
        jail = self.folder / "jail"
        disk = jail / "a/b/c/disk"
        disk.mkdir(parents=True)
        result = self.haul("cp", "-r", f"s3://{here}/", disk, "--json", code=1)
        self.assertEqual(result.accounts["copied"], 5)
        self.assertEqual(set(harness.read_tree(jail)), {f"a/b/c/disk/{key}" for key in KEYS[:5]})
        self.assertFalse(pathlib.Path("/etc/haul-was-here").exists())
        self.assertEqual(harness.failed_keys(result), set(IMPOSSIBLE))

    def test_of_rivals_for_a_name_one_is_there_and_the_other_is_named(self):
        self.use(self.mine)
        here = self.fill(self.mine, RIVALS)
        result = self.haul("cp", "-r", f"s3://{here}/", self.folder / "disk", "--json", code=1)
        there = harness.read_tree(self.folder / "disk")
        failed = harness.failed_keys(result)
        self.assertEqual(there, {key: body_of(key) for key in there})
        self.assertEqual(set(there) | failed | {"rival/"}, set(RIVALS))
        self.assertEqual(set(there) & failed, set())
        self.assertEqual(len(there), 2)

    def test_a_link_inside_the_destination_is_no_way_out(self):
        self.use(self.mine)
        here = self.fill(self.mine, ["link/escaped", "inside"])
        outside, disk = self.folder / "outside", self.folder / "disk"
        outside.mkdir(), disk.mkdir()
        (disk / "link").symlink_to(outside)
        result = self.haul("cp", "-r", f"s3://{here}/", disk, "--json", code=1)
        self.assertEqual(harness.failed_keys(result), {"link/escaped"})
        self.assertEqual(list(outside.iterdir()), [])
        self.assertEqual((disk / "inside").read_bytes(), body_of("inside"))

    def test_names_that_are_no_utf8_come_back_as_they_were(self):
        self.use(self.mine)
        bucket, disk = self.bucket(self.mine), self.folder / "disk"
        names = [b"latin-\xe9", b"\xff\xfe", b"broken-\xe2\x82", b"sur-\xed\xa0\x80", b"dir-\x80/in\xffside"]
        for name in names:
            path = os.path.join(os.fsencode(disk), name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            pathlib.Path(os.fsdecode(path)).write_bytes(b"body of " + name)
        self.haul("cp", "-r", disk, f"s3://{bucket}/")
        self.haul("cp", "-r", f"s3://{bucket}/", self.folder / "back")
        self.assertEqual({os.fsencode(path): body for path, body in harness.read_tree(self.folder / "back").items()},
                         {name: b"body of " + name for name in names})
        again = self.haul("sync", disk, f"s3://{bucket}/", "--json").accounts
        self.assertEqual((again["copied"], again["skipped"]), (0, len(names)))


if __name__ == "__main__":
    harness.main()
