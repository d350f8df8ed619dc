"""Paper-cut pictures: scenes, how they are drawn, what they are called and how they are edited. Needs numpy only."""
