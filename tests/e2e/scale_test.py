"""Buckets of very many keys, listed and compared: memory does not grow, no key is missed, and no request is wasted."""
import os
import time

import harness

SMALL = 100_000
LARGE = int(os.environ.get("HAUL_TEST_SCALE", "1000000"))
LIMIT = 400 * harness.MIB
ODD = 1000  # each so many-th key is missing, or has changed


class Scale(harness.FakeTest):
    OPTIONS = ("--threads", "1")

    def run_at(self, count, *arguments, code=0, looks=0):
        self.fake.control("POST", "reset-stats")
        began = time.monotonic()
        result = self.haul_measured(*arguments, "--json", code=code)
        requests = self.fake.operations()
        self.assertLessEqual(requests.pop("HeadBucket", 0), 1)
        print(f"\n{arguments[0]} {count:,}: {time.monotonic() - began:.1f} s, {result.cpu * 1e6 / count:.2f} us of CPU a "
              f"key, {result.peak >> 20} MiB at most, {requests['ListObjectsV2']:,} requests", flush=True)
        self.assertLess(result.peak, LIMIT)
        self.assertLessEqual(requests.pop("HeadObject", 0), looks, "only what listings leave undecided is looked at")
        self.assertEqual(set(requests), {"ListObjectsV2"})
        result.requests = requests["ListObjectsV2"]
        return result

    def assert_not_wasted(self, result, count, sides):
        pages = -(-count // 1000) * sides
        self.assertGreaterEqual(result.requests, pages * (1 - 1 / ODD) - sides)
        self.assertLessEqual(result.requests, pages * 1.1 + 80 * sides + 80)

    def test_a_listing_adds_up(self):
        for count in (SMALL, LARGE):
            for shape in ("", "-deep", "-common"):
                with self.subTest(count=count, shape=shape):
                    result = self.run_at(count, "du", "-d", "0", f"s3://bench-n{count}{shape}-s10/")
                    self.assertEqual(harness.du_total(result), (count, count * 10))
                    self.assert_not_wasted(result, count, 1)

    def test_a_comparison_finds_every_difference(self):
        for count in (SMALL, LARGE):
            with self.subTest(count=count):
                lacking = count // ODD
                changed = sum(1 for number in range(ODD - 1, count + 1, ODD - 1) if number % ODD)
                # The newer side is the source: an object that was written after its source may be its copy.
                result = self.run_at(count, "check", f"s3://newer-n{count}-s10-m{ODD}-c{ODD - 1}/",
                                     f"s3://bench-n{count}-s10/", code=1, looks=2 * changed)
                accounts = result.accounts
                self.assertEqual(accounts["listed"], count - lacking)
                self.assertEqual((accounts["missing"], accounts["extra"]), (0, lacking))
                self.assertEqual((accounts["same"], accounts["different"]), (count - lacking - changed, changed))
                self.assert_not_wasted(result, count, 2)

    def test_what_is_equal_is_found_equal(self):
        result = self.run_at(LARGE, "check", f"s3://bench-n{LARGE}-deep-s10/", f"s3://other-n{LARGE}-deep-s10/")
        self.assertEqual(result.accounts["same"], LARGE)


if __name__ == "__main__":
    harness.main()
