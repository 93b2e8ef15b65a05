//! The repertoire of the code expert: each function, what it says of itself, and how people describe it.
//!
//! Long because it is one list of one repeated shape.

/// One function of the repertoire. `{name}`, `{k}` and `{letter}` come from the request.
pub struct Function {
    pub name: &'static str,
    pub code: &'static str,
    pub says: &'static str,
    /// They follow "code for". The last one is held out, here and in `verbs`.
    pub nouns: &'static [&'static str],
    /// They follow "how to".
    pub verbs: &'static [&'static str],
}

pub const FUNCTIONS: &[Function] = &[
    Function {
        name: "is_prime",
        code: r#"def {name}(n):
    if n < 2:
        return False
    for i in range(2, int(n ** 0.5) + 1):
        if n % i == 0:
            return False
    return True"#,
        says: "It tells whether n is a prime number.",
        nouns: &[
            "prime numbers", "a prime check", "a primality test", "checking prime numbers",
            "a prime number test", "testing for primes",
        ],
        verbs: &[
            "check if a number is prime", "test whether n is prime", "check for a prime number",
            "tell if a number is a prime", "see if n is a prime number",
            "determine whether a number is prime",
        ],
    },
    Function {
        name: "factorial",
        code: r#"def {name}(n):
    result = 1
    for i in range(2, n + 1):
        result *= i
    return result"#,
        says: "It returns the factorial of n.",
        nouns: &[
            "the factorial of a number", "n factorial", "the factorial", "n!", "factorials",
            "the factorial of n",
        ],
        verbs: &[
            "compute the factorial of n", "calculate the factorial of a number", "return n factorial",
            "find the factorial", "work out n!", "get the factorial of a number",
        ],
    },
    Function {
        name: "fibonacci",
        code: r#"def {name}(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a"#,
        says: "It returns the nth Fibonacci number.",
        nouns: &[
            "the nth Fibonacci number", "fibonacci", "Fibonacci numbers", "the fibonacci sequence",
            "a Fibonacci number", "the Fibonacci series",
        ],
        verbs: &[
            "compute the nth Fibonacci number", "calculate fibonacci numbers",
            "return the Fibonacci number n", "find the nth number of the fibonacci sequence", "do fibonacci",
            "get the nth Fibonacci number",
        ],
    },
    Function {
        name: "gcd",
        code: r#"def {name}(a, b):
    while b:
        a, b = b, a % b
    return a"#,
        says: "It returns the greatest common divisor of a and b.",
        nouns: &[
            "the greatest common divisor", "the gcd of two numbers", "gcd",
            "the greatest common divisor of a and b", "the greatest common factor",
            "the Euclidean algorithm for the gcd",
        ],
        verbs: &[
            "compute the greatest common divisor", "find the gcd of two numbers", "calculate the gcd",
            "return the greatest common factor of two numbers", "get the gcd of a and b",
            "work out the greatest common divisor of two numbers",
        ],
    },
    Function {
        name: "lcm",
        code: r#"def {name}(a, b):
    x, y = a, b
    while y:
        x, y = y, x % y
    return a * b // x"#,
        says: "It returns the least common multiple of a and b.",
        nouns: &[
            "the least common multiple", "the lcm of two numbers", "lcm", "the lowest common multiple",
            "the least common multiple of a and b", "the lcm",
        ],
        verbs: &[
            "compute the least common multiple", "find the lcm of two numbers", "calculate the lcm",
            "return the lowest common multiple of two numbers", "get the lcm of a and b",
            "work out the least common multiple of two numbers",
        ],
    },
    Function {
        name: "reverse_string",
        code: r#"def {name}(text):
    return text[::-1]"#,
        says: "It returns the text from back to front.",
        nouns: &[
            "reversing a string", "a reversed string", "string reversal", "a string backwards",
            "text reversal", "the reverse of a string",
        ],
        verbs: &[
            "reverse a string", "return a string backwards", "turn a string backwards", "reverse text",
            "reverse the characters of a string", "reverse a given string",
        ],
    },
    Function {
        name: "reverse_list",
        code: r#"def {name}(items):
    return items[::-1]"#,
        says: "It returns the list in reverse order.",
        nouns: &[
            "reversing a list", "a reversed list", "list reversal", "a list in reverse order",
            "the reverse of a list", "a list backwards",
        ],
        verbs: &[
            "reverse a list", "return a list in reverse order", "reverse the order of a list",
            "reverse the items of a list", "turn a list around", "reverse an array",
        ],
    },
    Function {
        name: "is_palindrome",
        code: r#"def {name}(text):
    text = text.lower().replace(" ", "")
    return text == text[::-1]"#,
        says: "It tells whether the text reads the same backwards.",
        nouns: &[
            "palindromes", "a palindrome check", "a palindrome test", "checking for palindromes",
            "a palindrome checker", "testing for a palindrome",
        ],
        verbs: &[
            "check if a string is a palindrome", "test whether a word is a palindrome", "detect palindromes",
            "tell if a text is a palindrome", "see if a string reads the same backwards",
            "determine whether a word is a palindrome",
        ],
    },
    Function {
        name: "count_vowels",
        code: r#"def {name}(text):
    return sum(1 for c in text.lower() if c in "aeiou")"#,
        says: "It counts the vowels in the text.",
        nouns: &[
            "counting vowels", "the number of vowels in a string", "a vowel count",
            "counting the vowels of a word", "a vowel counter", "the vowel count of a text",
        ],
        verbs: &[
            "count the vowels in a string", "count vowels", "return the number of vowels in a text",
            "find how many vowels a word has", "get the number of vowels",
            "tell how many vowels a string has",
        ],
    },
    Function {
        name: "largest",
        code: r#"def {name}(numbers):
    return max(numbers)"#,
        says: "It returns the largest number of the list.",
        nouns: &[
            "the largest number in a list", "the maximum of a list", "the max of a list",
            "the biggest number in a list", "the highest number in a list", "the maximum value of a list",
        ],
        verbs: &[
            "find the largest number in a list", "return the maximum of a list", "get the max of a list",
            "find the biggest number", "return the highest value in a list", "find the maximum in a list",
        ],
    },
    Function {
        name: "smallest",
        code: r#"def {name}(numbers):
    return min(numbers)"#,
        says: "It returns the smallest number of the list.",
        nouns: &[
            "the smallest number in a list", "the minimum of a list", "the min of a list",
            "the lowest number in a list", "the least number in a list", "the minimum value of a list",
        ],
        verbs: &[
            "find the smallest number in a list", "return the minimum of a list", "get the min of a list",
            "find the smallest number", "return the lowest value in a list", "find the minimum in a list",
        ],
    },
    Function {
        name: "total",
        code: r#"def {name}(numbers):
    return sum(numbers)"#,
        says: "It returns the sum of the numbers.",
        nouns: &[
            "the sum of a list", "the sum of all numbers in a list", "the total of a list", "summing a list",
            "a list sum", "the sum of the items of a list",
        ],
        verbs: &[
            "sum a list", "add up all numbers in a list", "compute the sum of a list",
            "return the total of a list", "sum the numbers of a list",
            "calculate the sum of all numbers in a list",
        ],
    },
    Function {
        name: "product",
        code: r#"def {name}(numbers):
    result = 1
    for n in numbers:
        result *= n
    return result"#,
        says: "It returns the product of the numbers.",
        nouns: &[
            "the product of a list", "the product of all numbers in a list",
            "multiplying all numbers of a list", "a list product", "the product of numbers",
            "the product of the items of a list",
        ],
        verbs: &[
            "multiply all numbers in a list", "compute the product of a list",
            "return the product of all numbers", "multiply the items of a list",
            "calculate the product of numbers", "multiply a list together",
        ],
    },
    Function {
        name: "average",
        code: r#"def {name}(numbers):
    return sum(numbers) / len(numbers)"#,
        says: "It returns the average of the numbers.",
        nouns: &[
            "the average of a list", "the mean of a list", "the average", "the mean of numbers",
            "the arithmetic mean", "the average of numbers",
        ],
        verbs: &[
            "compute the average of a list", "calculate the mean of numbers", "return the average",
            "find the mean of a list", "average a list", "work out the average of numbers",
        ],
    },
    Function {
        name: "flatten",
        code: r#"def {name}(items):
    return [x for part in items for x in part]"#,
        says: "It joins a list of lists into one flat list.",
        nouns: &[
            "flattening a list", "a flat list from nested lists", "flattening nested lists",
            "a flattened list of lists", "list flattening", "a list of lists made flat",
        ],
        verbs: &[
            "flatten a list", "flatten a list of lists", "make a nested list flat",
            "join a list of lists into one list", "turn nested lists into a flat list",
            "flatten nested lists",
        ],
    },
    Function {
        name: "unique",
        code: r#"def {name}(items):
    return list(dict.fromkeys(items))"#,
        says: "It removes duplicates and keeps the order.",
        nouns: &[
            "removing duplicates", "the unique items of a list", "a list without duplicates",
            "duplicate removal", "unique values of a list", "the unique elements of a list",
        ],
        verbs: &[
            "remove duplicates from a list", "return the unique items of a list", "drop duplicates",
            "get unique values", "delete duplicates from a list", "keep only unique items",
        ],
    },
    Function {
        name: "fizzbuzz",
        code: r#"def {name}(n):
    for i in range(1, n + 1):
        word = "Fizz" * (i % 3 == 0) + "Buzz" * (i % 5 == 0)
        print(word or i)"#,
        says: "It prints FizzBuzz from 1 to n.",
        nouns: &[
            "fizzbuzz", "a fizzbuzz function", "the fizzbuzz game", "a fizz buzz program",
            "the FizzBuzz problem", "the fizz buzz game",
        ],
        verbs: &[
            "print fizzbuzz", "play fizzbuzz", "solve FizzBuzz", "do fizz buzz",
            "print the FizzBuzz numbers", "run fizzbuzz up to n",
        ],
    },
    Function {
        name: "sort_ascending",
        code: r#"def {name}(items):
    return sorted(items)"#,
        says: "It returns the list sorted in ascending order.",
        nouns: &[
            "sorting a list", "a sorted list", "sorting numbers in ascending order", "ascending sorting",
            "a list sorted from small to large", "sorting in ascending order",
        ],
        verbs: &[
            "sort a list", "sort numbers in ascending order", "sort a list from smallest to largest",
            "return a sorted list", "sort numbers", "sort a list ascending",
        ],
    },
    Function {
        name: "sort_descending",
        code: r#"def {name}(items):
    return sorted(items, reverse=True)"#,
        says: "It returns the list sorted in descending order.",
        nouns: &[
            "sorting in descending order", "a list in descending order", "sorting a list descending",
            "descending sorting", "a list sorted from large to small", "sorting numbers in descending order",
        ],
        verbs: &[
            "sort a list in descending order", "sort numbers descending",
            "sort a list from largest to smallest", "sort a list from high to low",
            "return a list in descending order", "sort numbers in descending order",
        ],
    },
    Function {
        name: "merge_dicts",
        code: r#"def {name}(a, b):
    return {**a, **b}"#,
        says: "It merges two dictionaries; b wins.",
        nouns: &[
            "merging dictionaries", "merging two dicts", "two merged dictionaries", "a merge of two dicts",
            "combining two dictionaries", "merging two dictionaries",
        ],
        verbs: &[
            "merge two dictionaries", "merge dicts", "combine two dictionaries", "join two dicts",
            "merge two dicts into one", "combine two dicts",
        ],
    },
    Function {
        name: "invert_dict",
        code: r#"def {name}(data):
    return {v: k for k, v in data.items()}"#,
        says: "It swaps the keys and values of a dictionary.",
        nouns: &[
            "inverting a dictionary", "an inverted dict", "swapping keys and values",
            "a dictionary with keys and values swapped", "dict inversion", "inverting a dict",
        ],
        verbs: &[
            "invert a dictionary", "swap keys and values of a dict", "invert a dict",
            "swap the keys and values", "exchange keys and values of a dictionary",
            "swap keys and values in a dictionary",
        ],
    },
    Function {
        name: "count_words",
        code: r#"def {name}(text):
    return len(text.split())"#,
        says: "It counts the words in the text.",
        nouns: &[
            "counting words", "the number of words in a text", "a word count", "the word count of a string",
            "a word counter", "the number of words in a string",
        ],
        verbs: &[
            "count the words in a string", "count words", "return the number of words",
            "find how many words a text has", "get the word count", "count the words of a text",
        ],
    },
    Function {
        name: "to_fahrenheit",
        code: r#"def {name}(celsius):
    return celsius * 9 / 5 + 32"#,
        says: "It converts degrees Celsius to Fahrenheit.",
        nouns: &[
            "celsius to fahrenheit", "converting Celsius to Fahrenheit", "Fahrenheit from Celsius",
            "a celsius to fahrenheit conversion", "C to F", "a Celsius to Fahrenheit converter",
        ],
        verbs: &[
            "convert celsius to fahrenheit", "turn Celsius into Fahrenheit", "change celsius to fahrenheit",
            "convert a temperature from Celsius to Fahrenheit", "convert C to F",
            "convert degrees Celsius to Fahrenheit",
        ],
    },
    Function {
        name: "to_celsius",
        code: r#"def {name}(fahrenheit):
    return (fahrenheit - 32) * 5 / 9"#,
        says: "It converts degrees Fahrenheit to Celsius.",
        nouns: &[
            "fahrenheit to celsius", "converting Fahrenheit to Celsius", "Celsius from Fahrenheit",
            "a fahrenheit to celsius conversion", "F to C", "a Fahrenheit to Celsius converter",
        ],
        verbs: &[
            "convert fahrenheit to celsius", "turn Fahrenheit into Celsius", "change fahrenheit to celsius",
            "convert a temperature from Fahrenheit to Celsius", "convert F to C",
            "convert degrees Fahrenheit to Celsius",
        ],
    },
    Function {
        name: "divisors",
        code: r#"def {name}(n):
    return [i for i in range(1, n + 1) if n % i == 0]"#,
        says: "It returns all divisors of n.",
        nouns: &[
            "the divisors of a number", "all factors of n", "the factors of a number", "all divisors of n",
            "a list of divisors", "the divisors of n",
        ],
        verbs: &[
            "find all divisors of a number", "list the factors of n", "return the divisors of n",
            "get all factors of a number", "compute the divisors", "list all divisors of a number",
        ],
    },
    Function {
        name: "power",
        code: r#"def {name}(base, exponent):
    return base ** exponent"#,
        says: "It raises base to the power of exponent.",
        nouns: &[
            "the power of a number", "a number to the power of another", "exponentiation",
            "base to the power of exponent", "powers", "raising to a power",
        ],
        verbs: &[
            "compute the power of a number", "raise a number to a power",
            "calculate base to the power of exponent", "return a to the power of b", "do exponentiation",
            "raise base to the exponent",
        ],
    },
    Function {
        name: "is_leap_year",
        code: r#"def {name}(year):
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)"#,
        says: "It tells whether the year is a leap year.",
        nouns: &[
            "leap years", "a leap year check", "checking leap years", "a leap year test",
            "testing for a leap year", "a leap year checker",
        ],
        verbs: &[
            "check if a year is a leap year", "test for leap years", "tell whether a year is a leap year",
            "detect leap years", "see if a year is a leap year", "determine whether it is a leap year",
        ],
    },
    Function {
        name: "second_largest",
        code: r#"def {name}(numbers):
    return sorted(set(numbers))[-2]"#,
        says: "It returns the second largest number of the list.",
        nouns: &[
            "the second largest number", "the second largest number in a list", "the second biggest number",
            "the second highest value in a list", "the second maximum", "the second largest value",
        ],
        verbs: &[
            "find the second largest number", "return the second largest number in a list",
            "get the second biggest number", "find the second highest value",
            "compute the second maximum of a list", "get the second largest value",
        ],
    },
    Function {
        name: "binary_search",
        code: r#"def {name}(items, target):
    low, high = 0, len(items) - 1
    while low <= high:
        mid = (low + high) // 2
        if items[mid] == target:
            return mid
        low, high = (mid + 1, high) if items[mid] < target else (low, mid - 1)
    return -1"#,
        says: "It finds the index in a sorted list, or -1.",
        nouns: &[
            "binary search", "a binary search", "binary search in a sorted list",
            "the binary search algorithm", "searching a sorted list", "a binary search of a list",
        ],
        verbs: &[
            "do a binary search", "search a sorted list", "perform binary search",
            "run a binary search on a list", "find an item by binary search",
            "do binary search in a sorted list",
        ],
    },
    Function {
        name: "bubble_sort",
        code: r#"def {name}(items):
    for i in range(len(items)):
        for j in range(len(items) - 1 - i):
            if items[j] > items[j + 1]:
                items[j], items[j + 1] = items[j + 1], items[j]
    return items"#,
        says: "It sorts the list by swapping neighbours.",
        nouns: &[
            "bubble sort", "a bubble sort", "the bubble sort algorithm", "bubble sorting",
            "sorting with bubble sort", "a bubblesort of a list",
        ],
        verbs: &[
            "do a bubble sort", "sort a list by bubble sort", "sort a list with bubble sort",
            "perform bubble sort", "run the bubble sort algorithm", "sort numbers with bubble sort",
        ],
    },
    Function {
        name: "caesar",
        code: r#"def {name}(text, shift={k}):
    result = ""
    for c in text:
        if c.isalpha():
            start = ord("A") if c.isupper() else ord("a")
            c = chr((ord(c) - start + shift) % 26 + start)
        result += c
    return result"#,
        says: "It shifts every letter by {k}.",
        nouns: &[
            "a caesar cipher with shift {k}", "the Caesar shift by {k}", "a Caesar cipher of {k}",
            "a caesar code with shift {k}", "caesar encryption with {k}",
            "a Caesar cipher with a shift of {k}",
        ],
        verbs: &[
            "do a caesar cipher with shift {k}", "shift letters by {k}",
            "encrypt text with a Caesar shift of {k}", "shift every letter by {k}",
            "apply a caesar cipher with {k}", "do a Caesar shift by {k}",
        ],
    },
    Function {
        name: "are_anagrams",
        code: r#"def {name}(a, b):
    return sorted(a.lower()) == sorted(b.lower())"#,
        says: "It tells whether a and b are anagrams.",
        nouns: &[
            "anagrams", "an anagram check", "checking for anagrams", "an anagram test",
            "testing two words for anagrams", "an anagram checker",
        ],
        verbs: &[
            "check if two words are anagrams", "test for anagrams", "tell whether two strings are anagrams",
            "see if a is an anagram of b", "detect anagrams", "determine whether two words are anagrams",
        ],
    },
    Function {
        name: "capitalize_words",
        code: r#"def {name}(text):
    return " ".join(w.capitalize() for w in text.split())"#,
        says: "It makes the first letter of every word a capital.",
        nouns: &[
            "capitalizing words", "title case", "a string with every word capitalized",
            "capital first letters", "capitalizing every word", "a text in title case",
        ],
        verbs: &[
            "capitalize every word", "capitalize the words of a string", "convert text to title case",
            "make the first letter of each word a capital", "capitalize each word in a string",
            "capitalize all words of a text",
        ],
    },
    Function {
        name: "digit_sum",
        code: r#"def {name}(n):
    return sum(int(d) for d in str(abs(n)))"#,
        says: "It returns the sum of the digits of n.",
        nouns: &[
            "the sum of digits", "the digit sum of a number", "the sum of the digits of n", "a digit sum",
            "adding the digits of a number", "the digit sum of n",
        ],
        verbs: &[
            "sum the digits of a number", "compute the digit sum", "add up the digits of n",
            "return the sum of the digits", "calculate the digit sum of a number",
            "add all digits of a number",
        ],
    },
    Function {
        name: "to_binary",
        code: r#"def {name}(n):
    return bin(n)[2:]"#,
        says: "It returns n as a binary string.",
        nouns: &[
            "decimal to binary", "converting a number to binary", "a number in binary",
            "the binary form of a number", "conversion to binary", "decimal to binary conversion",
        ],
        verbs: &[
            "convert a number to binary", "turn a number into binary", "convert decimal to binary",
            "return n in binary", "write a number as binary", "change a decimal number to binary",
        ],
    },
    Function {
        name: "from_binary",
        code: r#"def {name}(text):
    return int(text, 2)"#,
        says: "It returns the number that a binary string stands for.",
        nouns: &[
            "binary to decimal", "converting binary to a number", "a number from binary",
            "the decimal value of a binary string", "conversion from binary", "binary to decimal conversion",
        ],
        verbs: &[
            "convert binary to decimal", "turn binary into a number", "convert a binary string to a number",
            "read a binary number", "parse a binary string", "change binary to a decimal number",
        ],
    },
    Function {
        name: "transpose",
        code: r#"def {name}(matrix):
    return [list(row) for row in zip(*matrix)]"#,
        says: "It swaps the rows and columns of the matrix.",
        nouns: &[
            "transposing a matrix", "a transposed matrix", "the transpose of a matrix",
            "swapping rows and columns", "a matrix transpose", "matrix transposition",
        ],
        verbs: &[
            "transpose a matrix", "swap rows and columns", "return the transpose of a matrix",
            "swap the rows and columns of a matrix", "compute a matrix transpose",
            "transpose a list of lists",
        ],
    },
    Function {
        name: "to_dict",
        code: r#"def {name}(keys, values):
    return dict(zip(keys, values))"#,
        says: "It makes a dictionary from keys and values.",
        nouns: &[
            "a dictionary from two lists", "a dict from keys and values", "zipping two lists to a dict",
            "two lists as a dictionary", "making a dict from two lists", "a dictionary from keys and values",
        ],
        verbs: &[
            "make a dictionary from two lists", "zip two lists into a dict",
            "create a dict from keys and values", "build a dictionary from two lists",
            "turn two lists into a dict", "zip keys and values into a dictionary",
        ],
    },
    Function {
        name: "evens",
        code: r#"def {name}(numbers):
    return [n for n in numbers if n % 2 == 0]"#,
        says: "It keeps the even numbers of the list.",
        nouns: &[
            "filtering even numbers", "the even numbers in a list", "all even numbers of a list",
            "keeping even numbers", "a list of the even numbers", "a filter for even numbers",
        ],
        verbs: &[
            "filter even numbers", "return the even numbers in a list", "keep only even numbers",
            "get all even numbers of a list", "find the even numbers in a list",
            "filter the even numbers from a list",
        ],
    },
    Function {
        name: "odds",
        code: r#"def {name}(numbers):
    return [n for n in numbers if n % 2 != 0]"#,
        says: "It keeps the odd numbers of the list.",
        nouns: &[
            "filtering odd numbers", "the odd numbers in a list", "all odd numbers of a list",
            "keeping odd numbers", "a list of the odd numbers", "a filter for odd numbers",
        ],
        verbs: &[
            "filter odd numbers", "return the odd numbers in a list", "keep only odd numbers",
            "get all odd numbers of a list", "find the odd numbers in a list",
            "filter the odd numbers from a list",
        ],
    },
    Function {
        name: "squares",
        code: r#"def {name}(numbers):
    return [n * n for n in numbers]"#,
        says: "It squares every number of the list.",
        nouns: &[
            "squaring a list", "the squares of a list", "a list of squares", "the square of every number",
            "squares of numbers", "squaring every number in a list",
        ],
        verbs: &[
            "square every number in a list", "return the squares of a list", "square the numbers of a list",
            "compute squares", "square all numbers", "make a list of squares",
        ],
    },
    Function {
        name: "running_sum",
        code: r#"def {name}(numbers):
    total, result = 0, []
    for n in numbers:
        total += n
        result.append(total)
    return result"#,
        says: "It returns the sum up to each number.",
        nouns: &[
            "the cumulative sum", "a running sum", "the cumulative sum of a list", "a running total",
            "the running sum of a list", "the running total of a list",
        ],
        verbs: &[
            "compute the cumulative sum", "return a running total", "calculate the running sum of a list",
            "make a list of cumulative sums", "get the cumulative sum of a list",
            "compute the running total of a list",
        ],
    },
    Function {
        name: "count_items",
        code: r#"def {name}(items):
    counts = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return counts"#,
        says: "It counts how often each item occurs.",
        nouns: &[
            "counting occurrences", "the number of occurrences of each item", "the frequency of each item",
            "occurrences of items in a list", "item frequencies", "the frequencies of items in a list",
        ],
        verbs: &[
            "count the occurrences of each item", "count how often each item occurs",
            "return the frequency of each item", "count occurrences in a list",
            "find the frequency of items", "count how often items occur in a list",
        ],
    },
    Function {
        name: "longest_word",
        code: r#"def {name}(text):
    return max(text.split(), key=len)"#,
        says: "It returns the longest word of the text.",
        nouns: &[
            "the longest word", "the longest word in a sentence", "the longest word of a text",
            "finding the longest word", "the word with most letters", "the longest word in a string",
        ],
        verbs: &[
            "find the longest word", "return the longest word in a sentence",
            "get the longest word of a text", "find the longest word in a string", "pick the longest word",
            "return the longest word of a string",
        ],
    },
    Function {
        name: "median",
        code: r#"def {name}(numbers):
    s = sorted(numbers)
    mid = len(s) // 2
    if len(s) % 2:
        return s[mid]
    return (s[mid - 1] + s[mid]) / 2"#,
        says: "It returns the median of the numbers.",
        nouns: &[
            "the median", "the median of a list", "the median of numbers", "finding the median",
            "a list median", "the median value of a list",
        ],
        verbs: &[
            "compute the median", "find the median of a list", "calculate the median of numbers",
            "return the median", "get the median of a list", "work out the median of a list",
        ],
    },
    Function {
        name: "is_even",
        code: r#"def {name}(n):
    return n % 2 == 0"#,
        says: "It tells whether n is even.",
        nouns: &[
            "an even check", "checking if a number is even", "a test for even", "testing whether n is even",
            "an even number check", "an even test",
        ],
        verbs: &[
            "check if a number is even", "test whether n is even", "tell if a number is even",
            "see if n is even", "check for even", "determine whether a number is even",
        ],
    },
    Function {
        name: "is_odd",
        code: r#"def {name}(n):
    return n % 2 != 0"#,
        says: "It tells whether n is odd.",
        nouns: &[
            "an odd check", "checking if a number is odd", "a test for odd", "testing whether n is odd",
            "an odd number check", "an odd test",
        ],
        verbs: &[
            "check if a number is odd", "test whether n is odd", "tell if a number is odd",
            "see if n is odd", "check for odd", "determine whether a number is odd",
        ],
    },
    Function {
        name: "swap_case",
        code: r#"def {name}(text):
    return text.swapcase()"#,
        says: "It swaps upper and lower case.",
        nouns: &[
            "swapping case", "a string with swapped case", "upper and lower case swapped", "case swapping",
            "a case swap", "swapping upper and lower case",
        ],
        verbs: &[
            "swap the case of a string", "swap upper and lower case", "swap case",
            "invert the case of letters", "change upper to lower case and back",
            "swap the case of every letter",
        ],
    },
    Function {
        name: "remove_vowels",
        code: r#"def {name}(text):
    return "".join(c for c in text if c.lower() not in "aeiou")"#,
        says: "It removes all vowels from the text.",
        nouns: &[
            "removing vowels", "a string without vowels", "vowel removal", "a text without vowels",
            "removing all vowels from a string", "a word without its vowels",
        ],
        verbs: &[
            "remove vowels from a string", "delete all vowels", "strip the vowels of a text",
            "remove all vowels", "drop vowels from a word", "remove the vowels of a text",
        ],
    },
    Function {
        name: "length",
        code: r#"def {name}(text):
    count = 0
    for _ in text:
        count += 1
    return count"#,
        says: "It counts the characters without len.",
        nouns: &[
            "the length of a string without len", "string length without len",
            "the string length by counting", "counting characters without len", "length without len",
            "the length of a text without len",
        ],
        verbs: &[
            "find the length of a string without len", "compute string length without len",
            "count characters without len", "get the length of a string without using len",
            "return the length without len", "count the characters of a string without len",
        ],
    },
    Function {
        name: "read_lines",
        code: r#"def {name}(path):
    with open(path) as file:
        return [line.rstrip("\n") for line in file]"#,
        says: "It returns the lines of a file as a list.",
        nouns: &[
            "reading a file", "the lines of a file", "reading lines from a file",
            "a list of the lines of a file", "reading a file line by line", "a text file read into lines",
        ],
        verbs: &[
            "read the lines of a file", "read a file", "read a file line by line",
            "return the lines of a file", "load the lines of a text file", "read a text file into a list",
        ],
    },
    Function {
        name: "absolute",
        code: r#"def {name}(n):
    return -n if n < 0 else n"#,
        says: "It returns the absolute value of n.",
        nouns: &[
            "the absolute value", "the absolute value of a number", "absolute value", "the absolute of n",
            "abs of a number", "the absolute value of n",
        ],
        verbs: &[
            "compute the absolute value", "return the absolute value of a number",
            "get the absolute value of n", "find the absolute of a number", "calculate the absolute value",
            "find the absolute value of n",
        ],
    },
    Function {
        name: "clamp",
        code: r#"def {name}(value, low, high):
    return max(low, min(value, high))"#,
        says: "It keeps the value between low and high.",
        nouns: &[
            "clamping a value", "clamping a number between low and high", "a clamped number", "a clamp",
            "a number limited to a range", "clamping a number to a range",
        ],
        verbs: &[
            "clamp a value", "clamp a number between low and high", "limit a number to a range",
            "keep a value between low and high", "clamp a number", "clamp a number to a range",
        ],
    },
    Function {
        name: "add",
        code: r#"def {name}(a, b):
    return a + b"#,
        says: "It returns the sum of a and b.",
        nouns: &[
            "adding two numbers", "the sum of two numbers", "addition of two numbers", "the sum of a and b",
            "a plus b", "the addition of two numbers",
        ],
        verbs: &[
            "add two numbers", "return the sum of two numbers", "add a and b", "compute a plus b",
            "add two numbers together", "calculate the sum of two numbers",
        ],
    },
    Function {
        name: "above",
        code: r#"def {name}(numbers):
    return [n for n in numbers if n > {k}]"#,
        says: "It keeps the numbers above {k}.",
        nouns: &[
            "numbers above {k}", "numbers greater than {k}", "filtering numbers above {k}",
            "the numbers in a list larger than {k}", "all numbers above {k}",
            "the numbers of a list greater than {k}",
        ],
        verbs: &[
            "keep numbers above {k}", "filter numbers greater than {k}",
            "return the numbers larger than {k}", "keep only numbers above {k}",
            "get all numbers greater than {k}", "filter a list for numbers above {k}",
        ],
    },
    Function {
        name: "below",
        code: r#"def {name}(numbers):
    return [n for n in numbers if n < {k}]"#,
        says: "It keeps the numbers below {k}.",
        nouns: &[
            "numbers below {k}", "numbers less than {k}", "filtering numbers below {k}",
            "the numbers in a list smaller than {k}", "all numbers below {k}",
            "the numbers of a list less than {k}",
        ],
        verbs: &[
            "keep numbers below {k}", "filter numbers less than {k}", "return the numbers smaller than {k}",
            "keep only numbers below {k}", "get all numbers less than {k}",
            "filter a list for numbers below {k}",
        ],
    },
    Function {
        name: "divisible",
        code: r#"def {name}(n):
    return n % {k} == 0"#,
        says: "It tells whether n is divisible by {k}.",
        nouns: &[
            "divisibility by {k}", "a check for divisible by {k}", "checking if n is divisible by {k}",
            "a test for multiples of {k}", "numbers divisible by {k}", "a divisible by {k} test",
        ],
        verbs: &[
            "check if a number is divisible by {k}", "test whether n is divisible by {k}",
            "tell if a number is a multiple of {k}", "see if {k} divides n", "check for multiples of {k}",
            "determine whether n is divisible by {k}",
        ],
    },
    Function {
        name: "count_letter",
        code: r#"def {name}(text):
    return text.lower().count("{letter}")"#,
        says: "It counts the letter {letter} in the text.",
        nouns: &[
            "counting the letter {letter}", "the number of {letter}s in a string",
            "a count of the letter {letter}", "how many {letter}s are in a text",
            "the number of letters {letter} in a word", "occurrences of the letter {letter}",
        ],
        verbs: &[
            "count the letter {letter}", "count how many {letter}s are in a string",
            "count the letter {letter} in a text", "return the number of {letter}s in a word",
            "find how often the letter {letter} is in a text", "count the letter {letter} in a string",
        ],
    },
    Function {
        name: "starts_with",
        code: r#"def {name}(words):
    return [w for w in words if w.lower().startswith("{letter}")]"#,
        says: "It keeps the words that start with {letter}.",
        nouns: &[
            "words starting with {letter}", "the words that start with {letter}",
            "all words that begin with {letter}", "filtering words that start with {letter}",
            "the words of a list starting with {letter}", "a filter for words starting with {letter}",
        ],
        verbs: &[
            "keep words starting with {letter}", "find words that start with {letter}",
            "filter words that begin with {letter}", "return the words starting with {letter}",
            "get all words that start with {letter}", "keep only words that begin with {letter}",
        ],
    },
    Function {
        name: "primes_up_to",
        code: r#"def {name}(n):
    return [p for p in range(2, n + 1) if all(p % d for d in range(2, p))]"#,
        says: "It lists the primes up to n.",
        nouns: &[
            "all primes up to n", "a list of primes up to n", "the primes up to a limit",
            "the primes below a limit", "primes up to n", "a list of all primes up to a limit",
        ],
        verbs: &[
            "list all primes up to n", "find the primes up to a limit", "return all primes up to n",
            "generate primes up to n", "get a list of primes up to a limit", "list the primes up to n",
        ],
    },
    Function {
        name: "square",
        code: r#"def {name}(n):
    return n * n"#,
        says: "It returns the square of n.",
        nouns: &[
            "the square of a number", "squaring a number", "n squared", "a squared number",
            "the square of n", "a number times itself",
        ],
        verbs: &[
            "square a number", "return the square of n", "compute the square of a number",
            "calculate n squared", "get the square of a number", "multiply a number by itself",
        ],
    },
    Function {
        name: "cube",
        code: r#"def {name}(n):
    return n ** 3"#,
        says: "It returns the cube of n.",
        nouns: &[
            "the cube of a number", "cubing a number", "n cubed", "a cubed number",
            "the third power of a number", "the cube of n",
        ],
        verbs: &[
            "cube a number", "return the cube of n", "compute the cube of a number", "calculate n cubed",
            "get the third power of a number", "get the cube of a number",
        ],
    },
    Function {
        name: "square_root",
        code: r#"def {name}(n):
    return n ** 0.5"#,
        says: "It returns the square root of n.",
        nouns: &[
            "the square root of a number", "square roots", "a square root", "the root of n",
            "the square root of n", "finding a square root",
        ],
        verbs: &[
            "compute the square root of a number", "return the square root of n", "calculate a square root",
            "get the root of a number", "find the square root", "take the square root of a number",
        ],
    },
    Function {
        name: "multiply",
        code: r#"def {name}(a, b):
    return a * b"#,
        says: "It returns a times b.",
        nouns: &[
            "multiplying two numbers", "the product of two numbers", "multiplication of two numbers",
            "a times b", "the product of a and b", "two numbers multiplied",
        ],
        verbs: &[
            "multiply two numbers", "return the product of two numbers", "compute a times b",
            "multiply a by b", "return the product of a and b", "calculate the product of two numbers",
        ],
    },
    Function {
        name: "subtract",
        code: r#"def {name}(a, b):
    return a - b"#,
        says: "It returns a minus b.",
        nouns: &[
            "subtracting two numbers", "the difference of two numbers", "subtraction of two numbers",
            "a minus b", "the difference between a and b", "two numbers subtracted",
        ],
        verbs: &[
            "subtract two numbers", "return the difference of two numbers", "compute a minus b",
            "subtract b from a", "return the difference between a and b",
            "calculate the difference of two numbers",
        ],
    },
    Function {
        name: "divide",
        code: r#"def {name}(a, b):
    return a / b if b else None"#,
        says: "It returns a divided by b, or None where b is zero.",
        nouns: &[
            "dividing two numbers", "the quotient of two numbers", "safe division",
            "division of two numbers", "a divided by b", "the quotient of a and b",
        ],
        verbs: &[
            "divide two numbers", "divide a by b", "return the quotient of two numbers",
            "compute a divided by b", "divide numbers without a zero division error",
            "calculate the quotient of two numbers",
        ],
    },
    Function {
        name: "circle_area",
        code: r#"def {name}(radius):
    return 3.141592653589793 * radius ** 2"#,
        says: "It returns the area of a circle.",
        nouns: &[
            "the area of a circle", "a circle's area", "circle area", "the circle area from a radius",
            "the area of a circle from its radius", "the area of a circle with a radius r",
        ],
        verbs: &[
            "compute the area of a circle", "calculate the area of a circle from its radius",
            "find the area of a circle", "return the area of a circle", "get the circle area for a radius",
            "work out the area of a circle",
        ],
    },
    Function {
        name: "rectangle_area",
        code: r#"def {name}(width, height):
    return width * height"#,
        says: "It returns the area of a rectangle.",
        nouns: &[
            "the area of a rectangle", "a rectangle's area", "rectangle area",
            "the area of a rectangle from its sides", "the rectangle area", "width times height",
        ],
        verbs: &[
            "compute the area of a rectangle", "calculate the area of a rectangle",
            "find the area of a rectangle", "return the area of a rectangle from width and height",
            "get the rectangle area", "work out the area of a rectangle",
        ],
    },
    Function {
        name: "max_of_three",
        code: r#"def {name}(a, b, c):
    return max(a, b, c)"#,
        says: "It returns the largest of three numbers.",
        nouns: &[
            "the largest of three numbers", "the maximum of three numbers", "the biggest of three values",
            "the max of three", "the greatest of three numbers", "the largest of a, b and c",
        ],
        verbs: &[
            "find the largest of three numbers", "return the maximum of three numbers",
            "get the biggest of three values", "compute the max of three numbers",
            "return the largest of a, b and c", "find the greatest of three numbers",
        ],
    },
    Function {
        name: "char_frequency",
        code: r#"def {name}(text):
    return {c: text.count(c) for c in text}"#,
        says: "It counts how often each character occurs.",
        nouns: &[
            "the character frequency of a string", "character counts", "a count of every character",
            "letter frequencies", "how often each character occurs in a string",
            "the frequency of each letter",
        ],
        verbs: &[
            "count every character of a string", "count how often each character occurs",
            "return the frequency of each letter", "count the letters of a string in a dictionary",
            "get the character counts of a text", "compute the character frequency of a string",
        ],
    },
    Function {
        name: "common_elements",
        code: r#"def {name}(a, b):
    return [x for x in a if x in b]"#,
        says: "It keeps what both lists have.",
        nouns: &[
            "the common elements of two lists", "the intersection of two lists",
            "what two lists have in common", "the items that are in both lists",
            "the shared elements of two lists", "list intersection",
        ],
        verbs: &[
            "find the common elements of two lists", "return the elements that two lists have in common",
            "get the intersection of two lists", "keep the items that are in both lists",
            "return the shared items of two lists", "find what two lists share",
        ],
    },
    Function {
        name: "difference",
        code: r#"def {name}(a, b):
    return [x for x in a if x not in b]"#,
        says: "It keeps what only the first list has.",
        nouns: &[
            "the items of one list that are not in another", "the difference of two lists",
            "list difference", "what the first list has and the second has not",
            "the elements missing from the second list", "elements of a list that are not in the other",
        ],
        verbs: &[
            "find the items of one list that are not in another", "return the difference of two lists",
            "remove the items of one list from another", "keep the elements that are not in the second list",
            "get what only the first list has", "find the elements missing in the other list",
        ],
    },
    Function {
        name: "remove_spaces",
        code: r#"def {name}(text):
    return text.replace(" ", "")"#,
        says: "It removes the spaces.",
        nouns: &[
            "removing spaces from a string", "a string without spaces", "space removal",
            "a text with no spaces", "deleting all spaces", "stripping all spaces from a string",
        ],
        verbs: &[
            "remove all spaces from a string", "remove the spaces of a text",
            "delete the spaces in a string", "return a string without spaces",
            "take the spaces out of a text", "strip every space from a string",
        ],
    },
    Function {
        name: "to_upper",
        code: r#"def {name}(text):
    return text.upper()"#,
        says: "It returns the text in capital letters.",
        nouns: &[
            "a string in uppercase", "upper case", "converting a string to uppercase",
            "a text in capital letters", "string to upper case", "an uppercase version of a text",
        ],
        verbs: &[
            "convert a string to uppercase", "make a string upper case", "turn a text into capital letters",
            "return a string in upper case", "uppercase a string", "change all letters to capitals",
        ],
    },
    Function {
        name: "to_lower",
        code: r#"def {name}(text):
    return text.lower()"#,
        says: "It returns the text in small letters.",
        nouns: &[
            "a string in lowercase", "lower case", "converting a string to lowercase",
            "a text in small letters", "string to lower case", "a lowercase version of a text",
        ],
        verbs: &[
            "convert a string to lowercase", "make a string lower case", "turn a text into small letters",
            "return a string in lower case", "lowercase a string", "change all letters to small ones",
        ],
    },
    Function {
        name: "first_element",
        code: r#"def {name}(items):
    return items[0] if items else None"#,
        says: "It returns the first item of the list, or None.",
        nouns: &[
            "the first element of a list", "the first item of a list", "the head of a list",
            "a list's first element", "getting the first element", "the first value of a list",
        ],
        verbs: &[
            "return the first element of a list", "get the first item of a list",
            "take the first element of an array", "find the first value of a list",
            "return the head of a list", "pick the first element of a list",
        ],
    },
    Function {
        name: "last_element",
        code: r#"def {name}(items):
    return items[-1] if items else None"#,
        says: "It returns the last item of the list, or None.",
        nouns: &[
            "the last element of a list", "the last item of a list", "the end of a list",
            "a list's last element", "getting the last element", "the last value of a list",
        ],
        verbs: &[
            "return the last element of a list", "get the last item of a list",
            "take the last element of an array", "find the last value of a list",
            "return the final item of a list", "pick the last element of a list",
        ],
    },
    Function {
        name: "chunks",
        code: r#"def {name}(items, size):
    return [items[i:i + size] for i in range(0, len(items), size)]"#,
        says: "It cuts the list into chunks of a size.",
        nouns: &[
            "splitting a list into chunks", "chunks of a list", "a list in chunks of size n",
            "dividing a list into parts of equal size", "chunking a list",
            "a list cut into pieces of size n",
        ],
        verbs: &[
            "split a list into chunks of size n", "divide a list into chunks",
            "cut a list into parts of n items", "break a list into equal pieces", "chunk a list",
            "split a list into groups of n",
        ],
    },
    Function {
        name: "sum_to_n",
        code: r#"def {name}(n):
    return n * (n + 1) // 2"#,
        says: "It returns the sum of the numbers from 1 to n.",
        nouns: &[
            "the sum of the numbers from 1 to n", "the sum of 1 to n", "the sum up to n",
            "adding the numbers from 1 to n", "the sum of the first n numbers",
            "the total of all numbers up to n",
        ],
        verbs: &[
            "add the numbers from 1 to n", "sum the numbers from 1 to n", "compute the sum of 1 to n",
            "return the sum of the first n numbers", "calculate 1 + 2 + ... + n",
            "add up all numbers up to n",
        ],
    },
    Function {
        name: "collatz_steps",
        code: r#"def {name}(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps"#,
        says: "It counts the Collatz steps from n to 1.",
        nouns: &[
            "the Collatz steps of a number", "the collatz sequence", "the length of the Collatz sequence",
            "a Collatz step count", "collatz", "the number of Collatz steps to reach 1",
        ],
        verbs: &[
            "count the Collatz steps of a number", "count how many Collatz steps it takes to reach 1",
            "compute the length of the collatz sequence", "return the number of Collatz steps",
            "run the Collatz rule until 1 and count", "find how many steps the Collatz sequence has",
        ],
    },
    Function {
        name: "is_perfect_square",
        code: r#"def {name}(n):
    return n >= 0 and int(n ** 0.5 + 0.5) ** 2 == n"#,
        says: "It tells whether n is a perfect square.",
        nouns: &[
            "a perfect square check", "perfect squares", "checking for a perfect square",
            "a perfect square test", "testing if a number is a square number", "a check for square numbers",
        ],
        verbs: &[
            "check whether a number is a perfect square", "test if n is a perfect square",
            "tell if a number is a square number", "see if a number is a perfect square",
            "return True for perfect squares", "determine whether n is a perfect square",
        ],
    },
    Function {
        name: "count_evens",
        code: r#"def {name}(numbers):
    return sum(1 for n in numbers if n % 2 == 0)"#,
        says: "It counts the even numbers of the list.",
        nouns: &[
            "the number of even numbers in a list", "counting even numbers", "a count of the even numbers",
            "how many even numbers a list has", "the count of evens in a list", "an even number count",
        ],
        verbs: &[
            "count the even numbers in a list", "count how many numbers are even",
            "return the number of even numbers in a list", "find how many even numbers a list has",
            "count evens", "get the count of even numbers",
        ],
    },
    Function {
        name: "join_words",
        code: r#"def {name}(words):
    return " ".join(words)"#,
        says: "It joins the words with spaces.",
        nouns: &[
            "joining a list of words", "words joined with spaces", "a list of words as one string",
            "joining strings with a space", "a sentence from a list of words", "a list of strings joined",
        ],
        verbs: &[
            "join a list of words with spaces", "join strings with a space",
            "turn a list of words into a sentence", "combine words into one string",
            "put spaces between words and join them", "make one string of a list of words",
        ],
    },
    Function {
        name: "split_words",
        code: r#"def {name}(text):
    return text.split()"#,
        says: "It splits the text into words.",
        nouns: &[
            "splitting a string into words", "the words of a sentence", "a list of the words of a text",
            "a string split at spaces", "word splitting", "a sentence as a list of words",
        ],
        verbs: &[
            "split a string into words", "split a sentence at spaces",
            "turn a sentence into a list of words", "return the words of a text as a list",
            "get the words of a string", "break a text into words",
        ],
    },
    Function {
        name: "starts_with_vowel",
        code: r#"def {name}(word):
    return word[:1].lower() in tuple("aeiou")"#,
        says: "It tells whether the word starts with a vowel.",
        nouns: &[
            "a check whether a word starts with a vowel", "words that start with a vowel, yes or no",
            "a vowel at the start of a word", "testing if the first letter is a vowel",
            "a first letter vowel check", "checking for a vowel at the beginning",
        ],
        verbs: &[
            "check if a word starts with a vowel", "test whether the first letter is a vowel",
            "tell if a word begins with a vowel", "see if a string starts with a vowel",
            "return True if a word starts with a vowel",
            "determine if the first letter of a word is a vowel",
        ],
    },
    Function {
        name: "rotate_left",
        code: r#"def {name}(items, k):
    return items[k:] + items[:k]"#,
        says: "It rotates the list to the left by k places.",
        nouns: &[
            "rotating a list", "a list rotated to the left", "list rotation by k", "a rotated list",
            "a left rotation of a list", "shifting a list left by k places",
        ],
        verbs: &[
            "rotate a list to the left by k places", "rotate a list", "shift the items of a list left by k",
            "move the first k items to the end", "rotate an array by k", "turn a list left by k positions",
        ],
    },
    Function {
        name: "count_digits",
        code: r#"def {name}(n):
    return len(str(abs(n)))"#,
        says: "It counts the digits of n.",
        nouns: &[
            "the number of digits of a number", "counting digits", "a digit count",
            "how many digits a number has", "the count of digits in n", "the digit count of an integer",
        ],
        verbs: &[
            "count the digits of a number", "return how many digits a number has",
            "find the number of digits of n", "count digits in an integer", "get the digit count",
            "tell how many digits n has",
        ],
    },
    Function {
        name: "reverse_number",
        code: r#"def {name}(n):
    return int(str(n)[::-1])"#,
        says: "It reverses the digits of n.",
        nouns: &[
            "reversing a number", "the digits of a number reversed", "a number backwards",
            "the reverse of an integer", "digit reversal", "a number with its digits reversed",
        ],
        verbs: &[
            "reverse a number", "reverse the digits of a number", "return a number backwards",
            "turn the digits of n around", "flip the digits of an integer",
            "write a number from back to front",
        ],
    },
    Function {
        name: "index_of",
        code: r#"def {name}(items, item):
    return items.index(item) if item in items else -1"#,
        says: "It returns the position of the item, or -1.",
        nouns: &[
            "the index of an item in a list", "linear search", "finding the position of an element",
            "the position of a value in a list", "the index of an element", "a linear search in a list",
        ],
        verbs: &[
            "find the index of an item in a list", "return the position of an element",
            "search a list for an item", "get the index of a value", "do a linear search",
            "find where an element is in a list",
        ],
    },
    Function {
        name: "sign",
        code: r#"def {name}(n):
    return (n > 0) - (n < 0)"#,
        says: "It returns 1, 0 or -1 by the sign of n.",
        nouns: &[
            "the sign of a number", "a sign function", "whether a number is positive, negative or zero",
            "signum", "checking the sign of a number", "the sign of n as 1, 0 or -1",
        ],
        verbs: &[
            "return the sign of a number", "tell if a number is positive, negative or zero",
            "get the sign of n", "compute the signum", "find the sign of a number",
            "determine the sign of n",
        ],
    },
];
