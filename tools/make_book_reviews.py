#!/usr/bin/env python3
"""Writes src/ml/samples/book_reviews.tsv: ratings and review texts, composed from the phrases below.

The output depends on the seed alone, so that the committed file can be made again.
"""
import pathlib
import random

ROWS = 1500
SEED = 20160129
OUT = pathlib.Path(__file__).resolve().parent.parent / "src/ml/samples/book_reviews.tsv"

KINDS = ["novel", "mystery", "memoir", "cookbook", "travel guide", "history", "biography", "short story collection",
         "textbook", "thriller", "fantasy", "picture book", "field guide", "collection of essays", "romance",
         "science fiction story", "gardening manual", "poetry volume", "detective story", "sea adventure",
         "programming book", "family saga", "business book", "music book", "bird guide", "school story"]
TOPICS = ["a lighthouse keeper's daughter", "two brothers who inherit a bakery", "the building of a long railway",
          "an honest thief", "winters in the far north", "a small town orchestra", "bread, butter and patience",
          "the last ferry across the bay", "growing tomatoes on a balcony", "a trial that divides a village",
          "the first maps of the river", "learning to draw at sixty", "a missing violin", "bees and beekeepers",
          "a doctor on a remote island", "ghosts who keep good manners", "statistics for people who fear numbers",
          "the clockmaker's apprentice", "a summer without rain", "letters that arrive thirty years late",
          "night trains through the mountains", "an unlikely friendship at sea", "soups of every season",
          "the rise and fall of a circus", "a translator who changes one word", "stars seen from the desert",
          "a library that is about to close", "the women of a weaving mill", "chess in the park",
          "a dog who waits at the station", "repairing old radios", "the winter market", "a promise made in school"]
PLACES = ["on a long flight", "in two evenings", "over a rainy weekend", "on the bus to work", "with my reading group",
          "to my children", "during a slow week in March", "twice in a row", "on holiday by the lake",
          "after a friend pressed it on me", "because of the cover", "for a course I am taking", "in one sitting",
          "while waiting for the plumber", "on my mother's advice", "before seeing the play"]
PEOPLE = ["my sister", "my neighbour", "my grandfather", "our book club", "a colleague", "my eldest son",
          "an old friend", "the whole family", "my class", "a retired librarian I know"]
PARTS = ["the opening chapter", "the ending", "the middle part", "the dialogue", "the index", "the second half",
         "the chapter on the storm", "the illustrations", "the final letter", "the plot", "the translation",
         "the author's voice", "the pacing", "the description of the harbour", "the main character"]

GOOD_START = ["I loved this {kind} about {topic}.", "What a wonderful {kind}!", "This is a good {kind}.",
              "I read this {kind} {place} and could not put it down.",
              "A {kind} about {topic} sounded dull; it is not.",
              "Five minutes in, I knew that I would keep this {kind}.", "One of the best books I have read this year.",
              "{People} recommended this {kind}, and for once the praise was deserved.",
              "Rarely has {topic} been told with so much warmth.", "Quietly brilliant."]
GOOD_MIDDLE = ["{Part} alone is worth the price.", "The writing is clear, funny and never in a hurry.",
               "I laughed out loud more than once, then cried a little near page {page}.",
               "Every character feels like somebody you could meet at the baker's.",
               "I have already given {copies} copies away.", "{Part} stayed with me for days.",
               "There is real knowledge behind {topic}, and it shows on every page.",
               "I read it {place}, and {person} is reading it now.", "Even the notes at the back are a pleasure.",
               "The author trusts the reader, which is rare in a {kind}.", "{Part} and {part} fit together perfectly."]
GOOD_END = ["Highly recommended.", "I will look for more by this author.", "Buy it, lend it, ask for it back.",
            "A good day's reading.", "Keep it on the shelf you can reach.", "I cannot wait for the next one!",
            "Perfect for {person}.", "Thank you to whoever printed it on decent paper."]
MIXED_START = ["A decent {kind}, with reservations.", "I wanted to like this {kind} more than I did.",
               "Half of this book is very good.", "This {kind} about {topic} takes its time.",
               "Not bad, not great.", "I picked it up {place} and finished it out of politeness.",
               "An uneven but honest {kind}."]
MIXED_MIDDLE = ["{Part} works well; {part} does not.", "It is about {pages} pages too long.",
                "Some scenes shine, others read like a report.", "{Person} enjoyed it more than I did.",
                "I skipped from page {page} to the end and missed little.",
                "The facts about {topic} are interesting, but the story around them is thin.",
                "{Part} is fine, only I had guessed it by page {page}.",
                "A stricter editor would have helped.", "There are charming details and tired jokes."]
MIXED_END = ["Borrow it first.", "Three stars seems fair.", "I may try another of the author's books.",
             "Good enough for a train journey.", "Your taste may differ.", "It fills an afternoon."]
BAD_START = ["I hated this book.", "A disappointing {kind}.", "What a waste of paper.",
             "I wanted a {kind} about {topic} and got a sermon.", "I gave up {place}.",
             "The worst {kind} I have read in years.", "Do not believe the blurb.",
             "{People} warned me about this {kind}, and I should have listened."]
BAD_MIDDLE = ["{Part} makes no sense at all.", "Nobody talks like this, not even in a {kind}.",
              "There are spelling mistakes on page {page} and on most pages after it.",
              "My copy fell apart before {part} did.", "{Part} is dull, and {part} is worse.",
              "The same idea comes back {copies} times without getting any better.",
              "I have read railway timetables with more feeling.", "Whole paragraphs seem to be missing.",
              "It has nothing new to say about {topic}.", "I fell asleep near page {page}, which was the best part."]
BAD_END = ["Avoid.", "I want my evening back.", "It went straight to the charity shop.", "One star is generous.",
           "Save your money.", "Never again.", "Even {person} did not finish it."]
ASIDES = ["(The large-print edition is easier to hold.)", "It arrived a day early, by the way.",
          "PS: the \"bonus chapter\" is only in the paperback.", "For the record: I paid the full price.",
          "The audio version is read by the author - try it.", "My edition has {pages} pages; others differ.",
          "Compare it with the older one from 1998; you will see what I mean.",
          "Na\u00efve? Perhaps, but caf\u00e9 scenes suit it."]


def fill(rng, phrase, kind, topic):
    part, person = rng.choice(PARTS), rng.choice(PEOPLE)
    return phrase.format(kind=kind, topic=topic, place=rng.choice(PLACES), part=part,
                         Part=rng.choice(PARTS).capitalize(), person=person, Person=person.capitalize(),
                         People=rng.choice(PEOPLE).capitalize(), page=rng.randint(7, 412),
                         pages=rng.randint(60, 540), copies=rng.choice(["two", "three", "four", "five", "a dozen"]))


def review(rng, rating):
    start, middle, end = {5: (GOOD_START, GOOD_MIDDLE, GOOD_END), 4: (GOOD_START, GOOD_MIDDLE + MIXED_MIDDLE, GOOD_END),
                          3: (MIXED_START, MIXED_MIDDLE, MIXED_END),
                          2: (BAD_START + MIXED_START, BAD_MIDDLE + MIXED_MIDDLE, MIXED_END),
                          1: (BAD_START, BAD_MIDDLE, BAD_END)}[rating]
    sentences = [rng.choice(start)]
    sentences += rng.sample(middle, min(len(middle), rng.choice([0, 1, 1, 2, 2, 3, 4, 5, 7])))
    if rng.random() < 0.25:
        sentences.append(rng.choice(ASIDES))
    if rng.random() < 0.8:
        sentences.append(rng.choice(end))
    kind, topic = rng.choice(KINDS), rng.choice(TOPICS)
    return " ".join(fill(rng, sentence, kind, topic) for sentence in sentences)


def main():
    rng = random.Random(SEED)
    seen, rows = set(), []
    while len(rows) < ROWS:
        rating = rng.choices([1, 2, 3, 4, 5], weights=[12, 9, 14, 25, 40])[0]
        text = review(rng, rating)
        if text not in seen:
            seen.add(text)
            rows.append(f"{rating}\t{text}\n")
    OUT.write_text("".join(rows), encoding="utf-8", newline="\n")
    print(f"{OUT.name}: {len(rows)} rows, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
