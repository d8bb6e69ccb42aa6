"""An object of 6 GiB: up, copied by the server in parts, down; the same bytes, in bounded memory."""
import base64
import hashlib
import os
import subprocess

import harness

GIB = 1 << 30
SIZE = 6 * GIB
LIMIT = 400 * harness.MIB  # 256 MiB for bytes and listings, and the program itself


class LargeObject(harness.FakeTest):
    OPTIONS = ("--etag=fast", "--memory", str(8 * GIB))

    def make_file(self, path):
        """6 GiB of which every part is another, without writing most of it."""
        with open(path, "wb") as file:
            file.truncate(SIZE)
            for place in range(0, SIZE, 3 << 20):
                file.seek(place)
                file.write(hashlib.sha256(str(place).encode()).digest() * 64)
            file.seek(SIZE - 5)
            file.write(b"ended")

    def crc(self, key):
        head = self.s3.head_object(Bucket="big", Key=key, ChecksumMode="ENABLED")
        self.assertEqual(head["ContentLength"], SIZE)
        headers = head["ResponseMetadata"]["HTTPHeaders"]  # older boto3 has no name for CRC64NVME
        return headers.get("x-amz-checksum-crc64nvme") or headers.get("x-amz-checksum-crc32c")

    def test_up_copied_by_the_server_and_down(self):
        source, back = self.folder / "large", self.folder / "back"
        self.make_file(source)
        self.make_bucket("big")

        up = self.haul_measured("cp", source, "s3://big/up", "--json")
        copied = self.haul_measured("cp", "s3://big/up", "s3://big/copy", "--json")
        operations = self.fake.operations()
        self.assertGreater(operations["UploadPart"], 1)
        self.assertGreater(operations["UploadPartCopy"], 1, "more than 5 GiB can only be copied in parts")
        self.assertEqual(operations["CompleteMultipartUpload"], 2)
        self.assertEqual(operations.get("GetObject", 0), 0, "the server can copy by itself")
        down = self.haul_measured("cp", "s3://big/copy", back, "--json")

        self.assertEqual(subprocess.run(["cmp", source, back], check=False).returncode, 0)
        self.assertEqual(os.stat(back).st_size, SIZE)
        crc = self.crc("up")
        self.assertEqual(len(base64.b64decode(crc)), 8, "a checksum of the whole object")
        self.assertIn(self.crc("copy"), (crc, None))
        for name, result in (("up", up), ("copy", copied), ("down", down)):
            print(f"{name}: {result.peak >> 20} MiB at most, {result.cpu:.1f} s of CPU")
            self.assertLess(result.peak, LIMIT, name)
            self.assertEqual(result.accounts["copied"], 1)

    def test_memory_is_a_setting(self):
        self.make_bucket("big")
        result = self.haul_measured("cp", f"s3://bench-n1-s{GIB}/", self.folder / "down", "-r", "--memory", "64MiB")
        self.assertLess(result.peak, 200 * harness.MIB)


if __name__ == "__main__":
    harness.main()
