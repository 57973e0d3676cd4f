"""A trigram model with interpolated Kneser-Ney smoothing (Chen and Goodman, 1998), to compare with."""

import numpy as np


class Trigram:
    """Counts of tokens, pairs and triples; each order keeps back a discount for the next lower one."""

    def __init__(self, documents, vocabulary):
        self.size = vocabulary
        # Two tokens that are in no text stand before each document.
        base = self.base = vocabulary + 1
        triples = np.concatenate([self._keys(d) for d in documents])
        self.triples = self._table(triples)
        # Lower orders count the kinds of company that a token keeps, not how often it is there.
        self.pairs = self._table(self.triples[0] % (base * base))
        self.tokens = self._table(self.pairs[0] % base)
        self.after_two = self._sums(self.triples, base)
        self.after_one = self._sums(self.pairs, base)
        self.discounts = [self._discount(t[1]) for t in (self.triples, self.pairs, self.tokens)]

    def _keys(self, document):
        ids = np.concatenate([[self.size, self.size], np.asarray(document, np.int64)])
        return (ids[:-2] * self.base + ids[1:-1]) * self.base + ids[2:]

    @staticmethod
    def _table(keys):
        return np.unique(keys, return_counts=True)

    @staticmethod
    def _sums(table, base):
        """For each context: how often it was there, and before how many different tokens."""
        contexts, place = np.unique(table[0] // base, return_inverse=True)
        return contexts, np.bincount(place, table[1]), np.bincount(place)

    @staticmethod
    def _discount(counts):
        once, twice = (counts == 1).sum(), (counts == 2).sum()
        return once / (once + 2 * twice)

    @staticmethod
    def _find(keys, wanted):
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        return at, keys[at] == wanted

    def _order(self, table, contexts, discount, keys, lower):
        at, known = self._find(table[0], keys)
        count = np.where(known, table[1][at], 0)
        at, known = self._find(contexts[0], keys // self.base)
        total, kinds = contexts[1][at], contexts[2][at]
        share = (np.maximum(count - discount, 0) + discount * kinds * lower) / total
        return np.where(known, share, lower)

    def surprise(self, document):
        """The negative logarithm of each token's likelihood."""
        keys, base = self._keys(document), self.base
        at, known = self._find(self.tokens[0], keys % base)
        total, kinds, discount = self.tokens[1].sum(), len(self.tokens[0]), self.discounts[2]
        count = np.where(known, self.tokens[1][at], 0)
        share = (np.maximum(count - discount, 0) + discount * kinds / self.size) / total
        share = self._order(self.pairs, self.after_one, self.discounts[1], keys % (base * base), share)
        share = self._order(self.triples, self.after_two, self.discounts[0], keys, share)
        return -np.log(share)
